/** Follows a canvas that changed elsewhere, when nothing is lost by it; else Node-RED's own notice stands. */
import { editorTopics } from '../../../../src/wire/editor.ts';

export function followCanvas(): void {
  RED.comms.subscribe(editorTopics.canvas, (_topic: string, { rev }: { rev: string }) => {
    if (RED.nodes.version() === rev || RED.nodes.dirty() || RED.view.state() !== RED.state.DEFAULT) return;
    dismissReview();
    void reload();
  });
}

/** Node-RED has just asked whether to review the changes; there is nothing to merge them with. */
function dismissReview(): void {
  RED.notify('', { id: 'background-update' }).close();
}

/** As the editor loads flows at its start. */
async function reload(): Promise<void> {
  const { flows, rev } = (await $.ajax({ url: 'flows', dataType: 'json', cache: false })) as {
    flows: object[];
    rev: string;
  };
  if (RED.nodes.dirty()) return;
  const shown = RED.workspaces.active();
  RED.nodes.clear();
  // Drawn empty first: elements of nodes that come back under the same id would keep the old node.
  RED.view.redraw(true, true);
  RED.history.clear();
  RED.nodes.version(rev);
  RED.nodes.import(flows);
  RED.nodes.dirty(false);
  if (RED.nodes.workspace(shown)) RED.workspaces.show(shown);
  RED.view.redraw(true);
}
