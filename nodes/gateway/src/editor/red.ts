/** The part of Node-RED's editor API (4.1 and 5.x) that the plugin uses, and its jQuery as far as it must be touched. */
import type { Hints } from './hints.ts';

/** A node, group, junction, tab or subflow as the editor holds it. */
export interface EditorNode {
  id: string;
  type: string;
  z?: string;
  g?: string;
  name?: string;
  label?: string;
  w?: number;
  dirty?: boolean;
  changed?: boolean;
  locked?: boolean;
  env?: { name: string; value: string; type: string }[];
  echo?: Hints | undefined;
  _def?: NodeDefinition;
  _orig?: { echo?: Hints | undefined };
  [property: string]: unknown;
}

export interface NodeDefinition {
  category?: string;
  defaults?: Record<string, { value: unknown }>;
}

export interface EditState {
  changed: boolean;
  changes: Record<string, unknown>;
}

export interface JQuery {
  readonly [index: number]: HTMLElement;
}

export interface EditPane {
  label: string;
  name: string;
  iconClass: string;
  create(container: JQuery): void;
  apply(editState: EditState): void;
  close?(): void;
}

export interface Notification {
  close(): void;
  update(message: string | HTMLElement, options: object): void;
}

export interface EditorRed {
  readonly settings: Record<string, unknown> & { 'echo-editor'?: { designOnly?: boolean } };
  _(key: string, values?: Record<string, unknown>): string;
  readonly events: { on(event: string, listener: (argument: never) => void): void };
  readonly comms: { subscribe(topic: string, listener: (topic: string, data: never) => void): void };
  readonly hooks: { add(hook: string, callback: (event: { node: EditorNode }) => void): void };
  readonly nodes: {
    node(id: string): EditorNode | null;
    group(id: string): EditorNode | null | undefined;
    workspace(id: string): EditorNode | null | undefined;
    subflow(id: string): EditorNode | null | undefined;
    getType(type: string): NodeDefinition | undefined;
    eachNode(visit: (node: EditorNode) => void): void;
    eachWorkspace(visit: (tab: EditorNode) => void): void;
    import(nodes: unknown, options?: object): { nodeMap?: Record<string, EditorNode> } | undefined;
    createCompleteNodeSet(options?: object): object[];
    clear(): void;
    dirty(value?: boolean): boolean;
    version(rev?: string): string | null;
  };
  readonly group?: { def?: NodeDefinition };
  readonly editor: {
    registerEditPane(
      id: string,
      pane: (node: EditorNode) => EditPane,
      filter: (node: EditorNode) => boolean,
    ): void;
  };
  readonly sidebar: {
    addTab(options: object): void;
    show(id: string): void;
  };
  readonly actions: { add(name: string, action: () => void, options?: object): void };
  readonly menu: { addItem(menu: string, item: object): void; removeItem(id: string): void };
  readonly history: { clear(): void };
  readonly workspaces: { active(): string; show(id: string): void; refresh(): void };
  readonly state: { DEFAULT: number };
  readonly view: {
    state(): number;
    redraw(updateActive?: boolean, atOnce?: boolean): void;
    reveal(id: string, triggerHighlight?: boolean): void;
    getActiveNodes(): EditorNode[];
    annotations: { register(id: string, options: object): void };
  };
  readonly plugins: { registerPlugin(id: string, definition: object): void };
  notify(message: string | HTMLElement, options: object): Notification;
}

declare global {
  const RED: EditorRed;
  const i18next: {
    readonly languages: readonly string[];
    addResource(language: string, namespace: string, key: string, text: string): void;
  };
  const $: {
    (target: HTMLElement | HTMLElement[]): JQuery;
    ajax(options: object): PromiseLike<unknown>;
  };
}

/** A phrase of the plugin's own catalogue. */
export const say = (key: string, values?: Record<string, unknown>): string =>
  RED._(`@echo-dataflow/node-red-echo/echo-editor:${key}`, values);

/** True in the orchestrator's editor, false in a gateway's own. */
export const inDesign = (): boolean => RED.settings['echo-editor']?.designOnly === true;
