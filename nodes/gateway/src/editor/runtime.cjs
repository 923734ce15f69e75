/**
 * Runtime half of the editor plugin. It tells the editor whether it belongs to the orchestrator: the setting
 * `echo-editor: {designOnly: true}` is there and nowhere else.
 */
module.exports = (RED) => {
  RED.plugins.registerPlugin('echo-editor', {
    type: 'echo-editor',
    settings: { '*': { exportable: true } },
  });
};
