// A client in the manner of the newer stock one: a hash router, a guard, and the calls of docs/protocol/clients.md, "Start and route guard" and "Profile page".

import { ajax, anonymous, fresh, get, post, seen, whenSessionIsLost } from './api.6e7f8091.mjs';
import { element, form, screen, toast } from './dom.12ab34cd.mjs';
import { guard, signIn, signOut, store } from './session.23bc45de.mjs';
import { visits } from './processes.34cd56ef.mjs';

window.probe = { seen, store };
let polling;

async function leave() {
  clearTimeout(polling);
  await signOut();
  Object.assign(store, { user: null, profile: null, schema: null, login: null });
  toast(window.texts.signedOut);
  location.hash = '#/login';
}

whenSessionIsLost(() => {
  if (store.user) leave();
  else location.hash = '#/login';
});

// The bell: at once and three seconds after each answer, with nothing but the cookie.
async function poll() {
  clearTimeout(polling);
  if (!store.user) return;
  try {
    const { _notifications = [] } = await get(`${store.user}?_fields=_notifications/*`, { 'Cache-Control': 'no-store, no-cache' });
    document.body.dataset.bell = _notifications.length;
    polling = setTimeout(poll, 3000);
  } catch { /* any error ends it */ }
}

async function showLogin() {
  const providers = (await get('authentication', { ...anonymous, ...fresh })).providers ?? [];
  screen('login',
    form('login', [{ name: 'user' }, { name: 'password' }], 'Sign in', async ({ user, password }) => {
      try {
        location.hash = await signIn(user, password);
      } catch {
        toast('Invalid username or password.');
      }
    }),
    ...window.features.filter(({ enabled }) => enabled).map(({ name }) => element('a', { id: `link-${name}`, href: { registration: '#/registration', passwordReset: '#/passwordreset', retrieveUsername: '#/forgotusername' }[name] ?? '#/' }, name)),
    element('p', {}, `${providers.length} providers`));
}

async function showDashboard() {
  const { dashboard } = await get('config/ui/dashboard', { ...ajax, ...fresh });
  screen('dashboard', element('p', { id: 'hello' }, store.profile.userName), element('p', {}, `${dashboard.widgets.length} widgets`),
    element('a', { id: 'to-profile', href: '#/profile' }, 'Profile'), element('button', { id: 'leave', onclick: leave }, 'Sign out'));
}

const guarded = {
  dashboard: showDashboard,
  profile: async () => (await import('./chunk-profile.45de67f0.mjs')).show(leave),
};

async function route() {
  const [, name = '', ...rest] = location.hash.split('/');
  const parameter = rest.join('/');
  const key = name.toLowerCase();
  if (key === '') {
    location.replace('#/dashboard');
  } else if (key === 'login') {
    await showLogin();
  } else if (guarded[key]) {
    const elsewhere = await guard();
    if (elsewhere) return location.replace(elsewhere);
    await guarded[key]();
    poll();
  } else if (visits[key]) {
    screen(`${key}-loading`);
    await visits[key](parameter);
  } else {
    screen('not-found');
  }
}

// What a build may bring besides scripts: compiled templates, a worker, a module of bytes, texts.
async function useEverything() {
  const compiled = new Function('name', 'return `Hello ${name}`');
  const work = (source) => new Promise((done, fail) => {
    const worker = new Worker(source);
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = fail;
    worker.postMessage(1);
  });
  const own = URL.createObjectURL(new Blob(['onmessage = ({ data }) => postMessage(data + 2)'], { type: 'text/javascript' }));
  const image = (source) => new Promise((done, fail) => {
    const made = element('img', { alt: '' });
    made.onload = () => done(made.naturalWidth);
    made.onerror = () => fail(new Error(`no image ${source}`));
    made.src = source;
  });
  const module = await WebAssembly.instantiateStreaming(fetch('./js/empty.77889900.wasm'));
  const logo = await (await fetch('./img/logo.9c8b7a6d.svg')).blob();
  return [
    compiled('World'), await work('./js/worker.0a1b2c3d.js'), await work(own), typeof module.instance,
    await image('./img/logo.9c8b7a6d.svg'), await image(URL.createObjectURL(logo)),
    await image('data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='),
  ];
}
window.useEverything = useEverything;

async function start() {
  window.texts = await (await fetch('./locales/en.json')).json();
  const [, features] = await Promise.allSettled([
    get('info/uiconfig', { ...anonymous, ...fresh }),
    get('info/features?_queryFilter=true', { ...anonymous, ...fresh }),
  ]);
  window.features = features.status === 'fulfilled' ? features.value.result : [];
  window.addEventListener('hashchange', route);
  await route();
}

start();
