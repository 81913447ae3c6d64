// What Chromium tells an assistive technology of a page, as lines that somebody can read.

/** Roles that say nothing of their own. */
const SILENT = new Set(['none', 'generic', 'InlineTextBox', 'LineBreak', 'ListMarker', 'StaticText', 'LabelText', 'paragraph', 'DescriptionListTerm']);
/** Properties that somebody hears. */
const HEARD = new Set(['level', 'checked', 'required', 'invalid', 'disabled', 'expanded', 'pressed']);

/** What stands around every page. */
const AROUND = new Set(['banner', 'contentinfo']);

/** A page as lines: role, name, description, state; indented by what holds it. `whole` has what stands around it too. */
export async function spoken(page, whole) {
  const session = await page.context().newCDPSession(page);
  try {
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const byId = new Map(nodes.map((node) => [node.nodeId, node]));
    const lines = [];
    const walk = (node, depth) => {
      const role = node.role?.value;
      if (!whole && AROUND.has(role)) return;
      const said = !node.ignored && !SILENT.has(role);
      if (said) lines.push('  '.repeat(depth) + line(node, role));
      for (const child of node.childIds ?? []) if (byId.has(child)) walk(byId.get(child), depth + (said ? 1 : 0));
    };
    walk(nodes[0], 0);
    return lines.join('\n');
  } finally {
    await session.detach();
  }
}

function line(node, role) {
  const states = (node.properties ?? [])
    .filter(({ name, value }) => HEARD.has(name) && ![false, 'false', ''].includes(value.value))
    .map(({ name, value }) => (value.value === true || value.value === 'true' ? name : `${name} ${value.value}`));
  const value = node.value?.value && role !== 'RootWebArea' ? ` = ${JSON.stringify(node.value.value)}` : '';
  const about = node.description?.value ? ` (${node.description.value})` : '';
  return `${role} ${JSON.stringify(node.name?.value ?? '')}${value}${about}${states.length ? ` [${states.join(', ')}]` : ''}`;
}
