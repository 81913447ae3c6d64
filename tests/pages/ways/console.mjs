// What an operator does in the console.
import assert from 'node:assert/strict';
import { ADMIN_PASSWORD, unused } from '../support.mjs';

async function atTheConsole(visit, options) {
  const here = await visit(options);
  await here.open('/vestibule/console');
  await here.fill({ 'User name': 'openidm-admin', Password: ADMIN_PASSWORD });
  await here.press('Sign in');
  await here.at('Console');
  return here;
}

export async function anOperatorSeesAProcessAndItsNumbers({ visit, server }) {
  const person = await server.person();
  const other = await visit();
  await other.open('/reset');
  await other.fill({ 'User name or email address': person.name });
  await other.press('Continue');
  await other.at('Check your email');
  const here = await atTheConsole(visit);
  await here.says('Requests are served and the store can be written to');
  await here.page.getByRole('link', { name: 'reset', exact: true }).click();
  await here.at('reset');
  assert.ok(await here.page.locator('img.map').evaluate((map) => map.complete && map.naturalWidth > 100), 'the map is drawn');
  await here.says('2 userQuery');
  await here.page.getByRole('link', { name: 'What happened' }).click();
  await here.fill({ 'User name, instance or transaction': person.name });
  await here.press('Look');
  await here.says('one active account has what was typed');
  await here.says('They were asked, and have not gone on.');
}

export async function anOperatorTriesTheMailServer({ visit, server }) {
  const here = await atTheConsole(visit);
  await here.page.getByRole('link', { name: 'Outbox' }).click();
  await here.at('Outbox');
  const to = `${unused('tried')}@example.test`;
  await here.fill({ 'Mail address': to });
  await here.press('Send a mail');
  await here.says('The mail server took the mail.');
  await server.mail(to);
}

export async function anOperatorEndsASession({ visit, server }) {
  const person = await server.person();
  const there = await visit();
  await there.signIn(person);
  await there.at('Hello Given');
  const here = await atTheConsole(visit);
  await here.page.getByRole('link', { name: 'Sessions' }).click();
  await here.fill({ 'User name': person.name });
  await here.press('Look');
  await here.page.getByRole('button', { name: /^End the one of/ }).click();
  await here.says('The session was ended.');
  await there.page.reload();
  await there.at('Sign in');
}

export async function anOperatorReadsADifferenceAndGoesBack({ visit, server }) {
  const id = `emailTemplate/${unused('gone')}`;
  const template = (from) => ({ enabled: true, from, subject: { en: 'Nobody gets it' }, message: { en: '<p>x</p>' }, defaultLocale: 'en', mimeType: 'text/html' });
  for (const from of ['first@example.test', 'second@example.test']) {
    assert.ok((await server.admin('PUT', `config/${id}`, template(from))).status < 300);
  }
  const here = await atTheConsole(visit);
  await here.page.getByRole('link', { name: 'Configuration' }).click();
  await here.at('Configuration');
  await here.page.getByRole('link', { name: id }).click();
  await here.at(id);
  await here.page.getByRole('link', { name: /^Version/ }).nth(1).click();
  await here.says('What going back to it changes');
  assert.match(await here.page.getByRole('deletion').last().innerText(), /^- +"from": "second@example.test"/);
  assert.match(await here.page.getByRole('insertion').last().innerText(), /^\+ +"from": "first@example.test"/);
  await here.press('Go back');
  await here.press('Go back to this version');
  await here.says('The file says again what it said then, and is served.');
  assert.equal((await server.admin('GET', `config/${id}`)).body.from, 'first@example.test');
}
