// The profile page, loaded when it is first wanted (docs/protocol/clients.md, "Profile page").

import { ajax, anonymous, fresh, get, headerValue, post, call } from './api.6e7f8091.mjs';
import { element, form, screen, toast } from './dom.12ab34cd.mjs';
import { signOut, store } from './session.23bc45de.mjs';

const quiet = { ...anonymous, ...fresh };

async function save(operations, headers = {}) {
  try {
    store.profile = await call('PATCH', store.user, { headers: { ...ajax, ...headers }, body: operations });
    toast('Updated your profile.');
  } catch (error) {
    toast(error.message);
  }
}

async function saveForm(values) {
  const checked = await post(`policy/${store.user}?_action=validateObject`, quiet, values);
  if (checked.failedPolicyRequirements.some(({ property }) => !(property in values))) return;
  const changed = Object.entries(values).filter(([name, value]) => (store.profile[name] ?? '') !== value);
  await save(changed.map(([name, value]) => (value === '' ? { operation: 'remove', field: `/${name}` } : { operation: 'add', field: `/${name}`, value })));
}

async function download() {
  const all = await get(`${store.user}?_fields=*,idps/*,_meta/createDate,_meta/lastChanged,_meta/termsAccepted,_meta/loginCount`, ajax);
  delete all._rev;
  const blob = new Blob([JSON.stringify(all)], { type: 'application/json' });
  const link = element('a', { href: URL.createObjectURL(blob), download: 'userProfile.json' });
  document.body.append(link);
  link.click();
  link.remove();
}

async function deleteAccount(leave) {
  await call('DELETE', store.user, { headers: ajax });
  await leave();
}

export async function show(leave) {
  const password = { password: '' };
  const [policy, kba] = await Promise.all([
    get(`policy/${store.user}`, quiet),
    get('selfservice/kba', quiet).catch(() => null),
    get('identityProviders', quiet),
    get(`consent?_queryFilter=/source%20eq%20%22${store.login.authorization.component}%22`, { ...ajax, ...fresh }),
    get(`${store.user}?_fields=idps/*`, quiet),
    post(`policy/${store.user}/?_action=validateObject`, anonymous, password),
  ]);
  if (!Array.isArray(policy.properties)) throw new TypeError('policy');
  const shown = store.schema.order.filter((name) => store.schema.properties[name].viewable && ['string'].includes([store.schema.properties[name].type].flat()[0]));
  const personal = form('personal', shown.map((name) => ({ name, label: store.schema.properties[name].title, value: store.profile[name] })), 'Save', saveForm);
  const secret = form('secret', [{ name: 'currentPassword' }, { name: 'newPassword' }], 'Change password', (values) => save(
    [{ operation: 'add', field: '/password', value: values.newPassword }], { 'X-OpenIDM-Reauth-Password': headerValue(values.currentPassword) },
  ));
  const answers = kba && form('kba', Object.keys(kba.questions).slice(0, kba.minimumAnswersToDefine).map((id) => ({ name: id, label: kba.questions[id].en })), 'Save answers',
    async (values) => {
      const value = Object.entries(values).map(([questionId, answer]) => ({ questionId, answer }));
      store.profile = await call('PATCH', `selfservice/user/${store.login.authorization.id}`, { headers: ajax, body: [{ operation: 'replace', field: '/kbaInfo', value }] });
      toast('Answers saved.');
    });
  screen('profile', element('h1', {}, store.profile.userName), personal, secret, ...(answers ? [answers] : []),
    element('button', { id: 'download', onclick: download }, 'Download'),
    element('button', { id: 'delete', onclick: () => deleteAccount(leave) }, 'Delete'),
    element('button', { id: 'leave', onclick: leave }, 'Sign out'));
}
