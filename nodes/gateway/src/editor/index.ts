/** Entry of the editor plugin, bundled into `editor.html`. */
export {};
