// Signing in and out, and the guard of the pages that need it (docs/protocol/clients.md, "Start and route guard" and "Sign-in and sign-out").

import { ajax, anonymous, call, fresh, get, headerValue, post } from './api.6e7f8091.mjs';

export const store = { user: null, profile: null, schema: null, login: null };

export const signOut = () => post('authentication?_action=logout', anonymous);

async function load(login, headers) {
  const own = `${login.authorization.component}/${login.authorization.id}`;
  const [profile, , schema] = await Promise.all([
    get(own, { ...headers, ...fresh }),
    post('privilege?_action=listPrivileges', headers),
    get(`schema/${login.authorization.component}`, { ...anonymous, ...fresh }),
  ]);
  Object.assign(store, { user: own, profile, schema, login });
}

// Where a person goes who has just signed in.
async function enter(login, headers) {
  if (!login.authorization.roles.includes) throw new TypeError('roles');
  const owed = login.authorization.requiredProfileProcesses ?? [];
  if (owed.length > 0) return `#/profileCompletion/${owed[0].split('/')[1]}`;
  await load(login, headers);
  return null;
}

export async function signIn(name, password) {
  await signOut();
  const credentials = { 'X-OpenIDM-Username': headerValue(name), 'X-OpenIDM-Password': headerValue(password) };
  return (await enter(await post('authentication?_action=login', credentials), credentials)) ?? '#/dashboard';
}

export async function signInWith(jwt) {
  await signOut();
  return (await enter(await post('authentication?_action=login', { ...ajax, 'X-OpenIDM-Jwt': jwt }), ajax)) ?? '#/dashboard';
}

// After a process: the same cookie beside everybody's headers.
export async function lookAgain() {
  return (await enter(await post('authentication?_action=login', anonymous), ajax)) ?? '#/dashboard';
}

// The guard: who is this, by the cookie alone?
export async function guard() {
  if (store.user) return null;
  let login;
  try {
    login = await call('POST', 'authentication?_action=login', { headers: ajax });
  } catch {
    return '#/login';
  }
  return enter(login, ajax);
}
