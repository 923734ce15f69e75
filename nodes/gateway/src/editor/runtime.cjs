/** Runtime half of the editor plugin: only announces it; everything happens in the browser. */
module.exports = (RED) => {
  RED.plugins.registerPlugin('echo-editor', { type: 'echo-editor' });
};
