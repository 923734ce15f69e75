/** Where a node's hints are inherited from, in the editor's own objects. */
import { type Carrier, effective, type Inherited, inherit } from './hints.ts';
import { type EditorNode, say } from './red.ts';

/** Groups outwards, then the tab. */
function around(node: EditorNode): EditorNode[] {
  const list: EditorNode[] = [];
  for (let id = node.g; id !== undefined; ) {
    const group = RED.nodes.group(id);
    if (!group || list.includes(group)) break;
    list.push(group);
    id = group.g;
  }
  const tab = node.z === undefined ? undefined : RED.nodes.workspace(node.z);
  if (tab) list.push(tab);
  return list;
}

const carrier = (node: EditorNode): Carrier => ({
  echo: node.echo,
  ...(node.env === undefined ? {} : { env: node.env }),
  title:
    node.type === 'tab'
      ? say('from.tab', { name: node.label ?? node.id })
      : say('from.group', { name: node.name || node.id }),
});

export const inheritedBy = (node: EditorNode): Inherited => inherit(around(node).map(carrier));

export const effectiveOf = (node: EditorNode): Inherited => effective(node.echo, inheritedBy(node));

/** What ECHO places: an ordinary node on a tab, not one inside a subflow definition, nor a comment. */
export function isTask(node: EditorNode): boolean {
  if (['tab', 'group', 'subflow', 'junction', 'comment'].includes(node.type)) return false;
  if (node._def?.category === 'config' || node.z === undefined) return false;
  return !RED.nodes.subflow(node.z);
}
