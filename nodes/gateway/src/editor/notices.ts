/** Deploy notices from the orchestrator as editor notifications, one an application, updated in place. */
import { type DeployNotice, editorTopics, type PlanSummary } from '../../../../src/wire/editor.ts';
import { action, h } from './dom.ts';
import { deployAgain, noteDeploy, planCanvas, refreshFleet } from './fleet.ts';
import { type Notification, say } from './red.ts';
import { answers, questionBody } from './stranded.ts';

const shown = new Map<string, Notification>();

export function registerNotices(): void {
  RED.comms.subscribe(editorTopics.deploy, (_topic: string, notice: DeployNotice) => {
    noteDeploy(notice);
    show(notice);
    if (notice.kind === 'done') adopt(notice.tabs, notice.application);
  });
  RED.comms.subscribe(editorTopics.changed, () => refreshFleet());
}

/** Node-RED’s own “Successfully deployed” comes when the draft is saved, before any gateway was asked. */
export function sayDraftSaved(): void {
  for (const language of i18next.languages) {
    i18next.addResource(language, 'editor', 'deploy.successfulDeploy', say('deploy.saved'));
  }
}

/** A new application has its id now; the canvas the orchestrator keeps carries it already. */
function adopt(tabs: readonly string[], application: string): void {
  for (const id of tabs) {
    const tab = RED.nodes.workspace(id);
    if (tab) tab.echo = { ...tab.echo, app: application };
  }
}

function show(notice: DeployNotice): void {
  const key = notice.tabs[0] ?? notice.name;
  const { body, type, stays } = content(notice);
  shown.get(key)?.close();
  const close = (): void => notification.close();
  const modal = notice.kind === 'stranded';
  const options = {
    type,
    fixed: stays,
    modal,
    ...(stays ? { buttons: buttonsOf(notice, close) } : { timeout: 8000 }),
  };
  const notification = RED.notify(body, options);
  shown.set(key, notification);
}

/** Where there is a choice, the last is the one that loses nothing. */
function buttonsOf(notice: DeployNotice, close: () => void): object[] {
  if (notice.kind === 'stranded') {
    const choices = [{ text: say('stranded.answer.cancel'), click: close }, ...answers(notice)];
    const kind = (at: number) => (at === 2 ? { class: 'primary' } : {});
    return choices.map(({ text, click }, at) => ({
      text,
      ...kind(at),
      click: () => {
        close();
        click();
      },
    }));
  }
  const again = { text: say('deploy.again'), click: () => deployAgain() };
  return [
    ...(notice.kind === 'refused' ? [again] : []),
    { text: say('close'), class: 'primary', click: close },
  ];
}

interface Content {
  readonly body: HTMLElement;
  readonly type: string;
  readonly stays: boolean;
}

function content(notice: DeployNotice): Content {
  const { name } = notice;
  switch (notice.kind) {
    case 'started':
      return plain('compact', say('deploy.started', { name }));
    case 'progress': {
      const where = notice.gateway === undefined ? '' : `${notice.gateway}: `;
      return plain('compact', say('deploy.progress', { name, message: where + notice.message }));
    }
    case 'removed':
      return plain('success', say('deploy.removed', { name }));
    case 'diverged':
      return plain('warning', say('deploy.diverged', { name, version: notice.version }), true);
    case 'done':
      return plain(
        notice.status === 'pending-offline' ? 'warning' : 'success',
        say(`deploy.${notice.status}`, {
          ...notice,
          on: notice.gateways.filter(({ tasks }) => tasks > 0).length,
        }),
      );
    case 'stranded':
      return { body: questionBody(notice), type: 'warning', stays: true };
    case 'refused':
      return { body: refusal(notice), type: 'error', stays: true };
  }
}

const plain = (type: string, text: string, stays = false): Content => ({
  body: h('div', {}, h('p', {}, text)),
  type,
  stays,
});

function refusal({ name, problem }: Extract<DeployNotice, { kind: 'refused' }>): HTMLElement {
  if (problem.node !== undefined) RED.view.reveal(problem.node, true);
  return h(
    'div',
    { class: 'echo-refusal' },
    h('p', {}, h('b', {}, say('deploy.refused', { name }))),
    h('p', {}, problem.message),
    h('p', {}, problem.remedy),
    h(
      'p',
      { class: 'echo-small' },
      `${problem.code} `,
      problem.node === undefined
        ? undefined
        : action(say('reveal'), () => RED.view.reveal(problem.node!, true)),
    ),
  );
}

/** “Plan only” in the deploy menu: what a Deploy would change, shown in the sidebar, nothing touched. */
export function registerPlanEntry(): void {
  RED.actions.add('echo:plan', () => void planOnly(), { label: say('plan.action') });
  let added = false;
  RED.events.on('flows:loaded', () => {
    if (added) return;
    added = true;
    // It would report success, and nothing runs here that could be restarted.
    RED.menu.removeItem('deploymenu-item-reload');
    RED.menu.addItem('red-ui-header-button-deploy-options', {
      id: 'echo-deploy-plan',
      label: say('plan.entry'),
      onselect: 'echo:plan',
    });
  });
}

async function planOnly(): Promise<void> {
  const working = RED.notify(h('p', {}, say('plan.working')), { type: 'compact', fixed: true });
  try {
    const plan = await planCanvas();
    working.close();
    if (plan === undefined) return;
    RED.sidebar.show('echo');
    RED.notify(h('p', {}, planText(plan)), { type: 'compact', timeout: 5000 });
  } catch {
    working.close();
    RED.notify(h('p', {}, say('plan.failed')), { type: 'error', timeout: 8000 });
  }
}

function planText(plan: readonly PlanSummary[]): string {
  if (plan.length === 0) return say('plan.nothing');
  const refused = plan.filter(
    (one) => one.kind === 'refused' || (one.kind === 'plan' && one.blockers.length > 0),
  );
  if (refused.length > 0) return say('plan.blocked', { count: refused.length });
  const asks = plan.some(
    (one) => one.kind !== 'refused' && one.stranded.some(({ action }) => action === 'refuse'),
  );
  return asks ? say('plan.asks') : say('plan.ready', { count: plan.length });
}
