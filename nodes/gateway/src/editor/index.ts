/** Entry of the editor plugin, bundled into `editor.html`; works in the editors of Node-RED 4.1 and 5. */
import { redrawBadges, registerBadges } from './badges.ts';
import { followCanvas } from './canvas.ts';
import { assignColours } from './colours.ts';
import { gateways, onFleetChange, watchFleet } from './fleet.ts';
import { registerNotices, registerPlanEntry, sayDraftSaved } from './notices.ts';
import { registerPane } from './pane.ts';
import { preserveHints } from './preserve.ts';
import { inDesign } from './red.ts';
import { registerSidebar } from './sidebar.ts';

preserveHints();

RED.plugins.registerPlugin('echo-editor', {
  type: 'echo-editor',
  onadd() {
    registerPane();
    if (!inDesign()) return;
    onFleetChange(() => {
      assignColours(gateways().map(({ id }) => id));
      redrawBadges();
    });
    registerBadges();
    registerSidebar();
    registerNotices();
    sayDraftSaved();
    registerPlanEntry();
    followCanvas();
    watchFleet();
  },
});
