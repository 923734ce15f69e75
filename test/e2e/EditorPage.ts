/** The Node-RED editor as a user drives it. */
import type { Page } from 'playwright-core';

interface Red {
  workspaces: { active(): string | number };
  nodes: {
    import(nodes: object[]): void;
    createCompleteNodeSet(): { id: string; type: string; echo?: object; locked?: boolean }[];
    dirty(value?: boolean): boolean;
    addLink(link: { source: object; sourcePort: number; target: object }): void;
    getNodeLinks(node: object, portType: 0): object[];
    removeLink(link: object): void;
    node(id: string): object | null;
    workspace(id: string | number): object;
    group(id: string): object;
  };
  editor: { edit(node: object): void; editFlow(tab: object): void; editGroup(group: object): void };
  view: { redraw(all: boolean): void };
  sidebar: { show(id: string): void };
  actions: { invoke(name: string): void };
}
declare const RED: Red;

export class EditorPage {
  readonly page: Page;
  /** What went wrong in the page's own scripts. */
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => {
      // Monaco complains of itself when a dialog closes while it still colours the text.
      if (!error.stack?.includes('/vendor/monaco/')) this.errors.push(error.stack ?? error.message);
    });
  }

  async open(url: string): Promise<void> {
    await this.page.goto(`${url}/`);
    await this.page.waitForFunction('window.RED?.nodes?.version?.() && RED.workspaces.active()');
    await this.page.waitForSelector('#red-ui-workspace-chart svg');
    await this.page.waitForSelector('.red-ui-loader', { state: 'detached' }).catch(() => undefined);
  }

  activeTab(): Promise<string> {
    return this.page.evaluate(() => String(RED.workspaces.active()));
  }

  /** As pasted from the clipboard onto the shown tab. */
  async paste(nodes: object[]): Promise<void> {
    const z = await this.activeTab();
    await this.page.evaluate(
      (given) => {
        RED.nodes.import(given);
        RED.nodes.dirty(true);
        RED.view.redraw(true);
      },
      nodes.map((node) => ({ z, ...node })),
    );
  }

  /** Drags a node from the palette to a point of the canvas. */
  async place(type: string, x: number, y: number): Promise<void> {
    const entry = this.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    await entry.scrollIntoViewIfNeeded();
    const chart = await this.page.locator('#red-ui-workspace-chart').boundingBox();
    const from = await entry.boundingBox();
    if (chart === null || from === null) throw new Error(`no ${type} in the palette`);
    await this.page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await this.page.mouse.down();
    await this.page.mouse.move(chart.x + x / 2, chart.y + y, { steps: 5 });
    await this.page.mouse.move(chart.x + x, chart.y + y, { steps: 5 });
    await this.page.mouse.up();
  }

  nodes(): Promise<{ id: string; type: string; echo?: object; locked?: boolean }[]> {
    return this.page.evaluate(() => RED.nodes.createCompleteNodeSet());
  }

  /** As a double click does. */
  async edit(id: string): Promise<void> {
    await this.page.evaluate((node) => RED.editor.edit(RED.nodes.node(node)!), id);
    await this.page.waitForSelector('#node-input-name', { state: 'visible' });
  }

  async openPane(what: 'node' | 'tab' | 'group', id: string): Promise<void> {
    await this.page.evaluate(
      ([kind, of]) => {
        if (kind === 'node') RED.editor.edit(RED.nodes.node(of)!);
        else if (kind === 'tab') RED.editor.editFlow(RED.nodes.workspace(of));
        else RED.editor.editGroup(RED.nodes.group(of));
      },
      [what, id] as const,
    );
    await this.page.click('#red-ui-tab-echo-placement-link-button');
    await this.page.waitForSelector('#node-input-echo-tier', { state: 'visible' });
  }

  async done(): Promise<void> {
    await this.page.click('#node-dialog-ok');
    await this.page.waitForSelector('.red-ui-tray', { state: 'detached' });
  }

  /** As dragging from an output to an input does. */
  async wire(from: string, to: string): Promise<void> {
    await this.page.evaluate(
      ([source, target]) => {
        RED.nodes.addLink({
          source: RED.nodes.node(source)!,
          sourcePort: 0,
          target: RED.nodes.node(target)!,
        });
        RED.nodes.dirty(true);
        RED.view.redraw(true);
      },
      [from, to] as const,
    );
  }

  /** As selecting the wire and pressing Delete does. */
  async unwire(from: string): Promise<void> {
    await this.page.evaluate((source) => {
      for (const link of RED.nodes.getNodeLinks(RED.nodes.node(source)!, 0)) RED.nodes.removeLink(link);
      RED.nodes.dirty(true);
      RED.view.redraw(true);
    }, from);
  }

  async pressButton(id: string): Promise<void> {
    await this.page.locator(`[id="${id}"] .red-ui-flow-node-button-button`).click();
  }

  async undo(): Promise<void> {
    await this.page.evaluate(() => RED.actions.invoke('core:undo'));
  }

  async deploy(): Promise<void> {
    await this.page.click('#red-ui-header-button-deploy');
  }

  async showSidebar(id: string): Promise<void> {
    await this.page.evaluate((tab) => RED.sidebar.show(tab), id);
  }

  async notification(text: string | RegExp): Promise<void> {
    await this.page.locator('.red-ui-notification', { hasText: text }).first().waitFor();
  }
}
