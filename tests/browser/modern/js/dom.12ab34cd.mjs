// The little of a framework that these pages need.

export const app = document.getElementById('app');

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function screen(name, ...children) {
  app.replaceChildren(element('main', { 'data-screen': name, style: 'margin: 1em' }, ...children));
}

export function toast(text) {
  document.getElementById('toasts').append(element('p', {}, text));
}

const isSecret = (name) => /password/i.test(name);

// Fields are { name, label, value, type }. The button stays enabled: what is pressed twice is sent twice.
export function form(id, fields, button, act) {
  const inputs = fields.map(({ name, label, value, type }) => {
    const input = element('input', { id: `${id}-${name}`, name, type: type ?? (isSecret(name) ? 'password' : 'text'), autocomplete: 'off' });
    if (type === 'checkbox') input.checked = value === true;
    else input.value = value ?? '';
    return [name, input, element('label', {}, label ?? name, ' ', input)];
  });
  const values = () => Object.fromEntries(inputs.map(([name, input]) => [name, input.type === 'checkbox' ? input.checked : input.value]));
  const onsubmit = (event) => {
    event.preventDefault();
    act(values());
  };
  return element('form', { id, onsubmit }, ...inputs.map(([, , label]) => label), element('button', { id: `${id}-go` }, button));
}
