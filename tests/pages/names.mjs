// What Chromium tells an assistive technology of a page, as lines that somebody can read.

/** Roles that say nothing of their own. */
const SILENT = new Set(['none', 'generic', 'InlineTextBox', 'LineBreak', 'ListMarker', 'StaticText', 'LabelText', 'paragraph', 'DescriptionListTerm']);
/** Properties that somebody hears. */
const HEARD = new Set(['level', 'checked', 'required', 'invalid', 'disabled', 'expanded', 'pressed']);

/** Seconds that are counted down while the page is looked at. */
const COUNTED = /\(\d+\)"$/;

/** What stands around every page. */
const AROUND = new Set(['banner', 'contentinfo']);

/** A page as what is said one after another: `{depth, role, name, more, states}`. `whole` has what stands around it too. */
export async function spoken(page, whole) {
  const session = await page.context().newCDPSession(page);
  try {
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const byId = new Map(nodes.map((node) => [node.nodeId, node]));
    const said = [];
    const walk = (node, depth) => {
      const role = node.role?.value;
      if (!whole && AROUND.has(role)) return;
      const heard = !node.ignored && !SILENT.has(role);
      if (heard) said.push({ depth, role, ...parts(node, role) });
      for (const child of node.childIds ?? []) if (byId.has(child)) walk(byId.get(child), depth + (heard ? 1 : 0));
    };
    walk(nodes[0], 0);
    return said;
  } finally {
    await session.detach();
  }
}

function parts(node, role) {
  const states = (node.properties ?? [])
    .filter(({ name, value }) => HEARD.has(name) && ![false, 'false', ''].includes(value.value))
    .map(({ name, value }) => (value.value === true || value.value === 'true' ? name : `${name} ${value.value}`));
  const value = node.value?.value && role !== 'RootWebArea' ? ` = ${JSON.stringify(node.value.value)}` : '';
  const about = node.description?.value ? ` (${node.description.value})` : '';
  return { name: JSON.stringify(node.name?.value ?? '').replace(COUNTED, '(…)"'), more: value + about, states: states.length ? ` [${states.join(', ')}]` : '' };
}

/** As lines that somebody can read, indented by what holds them. */
export const lines = (said) => said.map(({ depth, role, name, more, states }) => `${'  '.repeat(depth)}${role} ${name}${more}${states}`).join('\n');

/** The same without a word: what is the same in every language. */
export const shape = (said) => said.map(({ depth, role, states }) => `${'  '.repeat(depth)}${role}${states}`).join('\n');

/** What each is called, once: `role "name"`. */
export const names = (said) => said.map(({ role, name, more }) => `${role} ${name}${more}`);
