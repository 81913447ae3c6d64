// Every process from its first click to its last.
import assert from 'node:assert/strict';
import { NEW_PASSWORD, PASSWORD, unused } from '../support.mjs';

/** What the field of somebody's own question is called. */
export const OWN = 'Your question (only for a question of your own)';

/** Fills in the form of a new person. */
async function details(visitor, name) {
  await visitor.fill({
    'User name': name, 'First name': 'Jo <b>', 'Last name': "D'Or", 'Email address': `${name}@example.test`, 'New password': PASSWORD,
    'Send me news and updates': true, 'I have read and accept the terms and conditions': true,
  });
  const [one, two, ...more] = await visitor.parts('Security question');
  assert.equal(more.length, 0);
  await visitor.choose(0, one);
  await visitor.fill({ Answer: 'Elm Street' }, one);
  await visitor.fill({ 'A question of my own': true, [OWN]: 'Which tea?', Answer: 'Assam' }, two);
}

export async function aNewPersonRegistersAndIsSignedIn({ visit, first }) {
  const here = await visit({ server: 'first' });
  const name = unused('new');
  await here.open('/');
  await here.at('Welcome');
  await here.follow('Create an account');
  await here.at('Create an account');
  await details(here, name);
  await here.press('Create the account');
  await here.at('Check your email');
  await here.open(first.mailPage);
  await here.openMail(name, 'Open the account');
  await here.at('One step left');
  assert.ok(!here.address().includes('token'), here.address());
  await here.press('Continue');
  await here.at('Hello Jo <b>');
  await here.press('Sign out');
  await here.says('You have signed out.');
  assert.equal((await first.admin('GET', `managed/user?_queryFilter=userName+eq+"${name}"`)).body.result[0].preferences.updates, true);
}

export async function whatANewPersonLeavesOutIsSaidAndNothingTypedIsLost({ visit }) {
  const here = await visit();
  const name = unused('new');
  await here.open('/registration');
  await details(here, name);
  await here.fill({ 'Last name': '', 'New password': 'weak', 'I have read and accept the terms and conditions': false });
  await here.press('Create the account');
  await here.says('There is a problem');
  assert.match(await here.title(), /^Error: Create an account/);
  assert.equal(await here.typed('First name'), 'Jo <b>');
  assert.equal(await here.typed('New password'), '');
  assert.equal(await here.typed(OWN, (await here.parts('Security question'))[1]), 'Which tea?');
  // A link of the summary leads to its field.
  await here.page.getByRole('alert').getByRole('link').first().click();
  assert.match(here.page.url(), /#f-user\.sn$/);
  assert.equal(await here.page.evaluate(() => document.querySelector(':target').name), 'user.sn');
  await here.reload();
  assert.equal(await here.typed('User name'), name);
}

export async function aForgottenPasswordIsReplaced({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.open('/sign-in');
  await here.follow('Forgotten your password?');
  await here.at('Which account is it?');
  await here.fill({ 'User name or email address': person.mail });
  await here.press('Continue');
  await here.at('Check your email');
  await here.fill({ Code: '00000000' });
  await here.press('Continue');
  await here.says('This code is wrong or too old');
  await here.fill({ Code: (await server.mail(person.mail)).code });
  await here.press('Continue');
  await here.at('Choose a new password');
  await here.fill({ 'New password': 'weak' });
  await here.press('Save the new password');
  await here.says('There is a problem');
  await here.fill({ 'New password': NEW_PASSWORD });
  await here.press('Save the new password');
  await here.at('Your password is changed');
  await here.follow('Sign in');
  await here.signIn(person, NEW_PASSWORD);
  await here.at('Hello Given');
  assert.ok(!(await server.signsIn(person.name, PASSWORD)));
}

export async function aForgottenUserNameIsMailed({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.open('/');
  await here.follow('Forgotten your user name?');
  await here.at('Which account is it?');
  await here.press('Continue');
  await here.says('Fill this in');
  const [label] = await here.asked();
  await here.fill({ [label]: person.mail });
  await here.press('Continue');
  await here.at('Check your email');
  assert.match((await server.mail(person.mail)).body, new RegExp(person.name));
}

export async function aPasswordIsReplacedByAnsweringQuestions({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.open('/selfservice/recover');
  await here.at('Which account is it?');
  await here.fill({ 'User name or email address': person.name });
  await here.press('Continue');
  await here.at('Answer your security questions');
  for (const label of await here.asked()) await here.fill({ [label]: 'wrong' });
  await here.press('Continue');
  await here.says('These answers are not the ones you gave before');
  for (const label of await here.asked()) {
    assert.equal(await here.typed(label), '');
    await here.fill({ [label]: /street/.test(label) ? 'Elm Street' : 'Oolong' });
  }
  await here.press('Continue');
  await here.at('Choose a new password');
  await here.fill({ 'New password': NEW_PASSWORD });
  await here.press('Save the new password');
  await here.at('Your password is changed');
  assert.ok(await server.signsIn(person.name, NEW_PASSWORD));
}

export async function whatIsDueComesBeforeTheAccount({ visit, server }) {
  const person = await server.person({ kbaInfo: [] }, false);
  const here = await visit();
  await here.signIn(person);
  await here.says('2 things need your attention');
  await here.open('/account/profile');
  await here.says('2 things need your attention');
  await here.follow('Continue');
  await here.at('We have updated our terms');
  await here.press('Accept');
  await here.says('Tick the box to continue');
  await here.fill({ 'I have read and accept the terms and conditions': true });
  await here.press('Accept');
  await here.says('one thing needs your attention');
  await here.follow('Continue');
  await here.at('Update your security questions');
  for (const [at, question] of (await here.parts('Security question')).entries()) {
    await here.choose(at, question);
    await here.fill({ Answer: ['Elm Street', 'Oolong'][at] }, question);
  }
  await here.press('Update');
  await here.at('Hello Given');
  await here.open('/account/profile');
  await here.at('Profile');
}

export async function aProcessOfTheProjectsOwnIsAForm({ visit, server }) {
  const person = await server.person({ city: 'Unknown' });
  const here = await visit();
  await here.open('/selfservice/newHome');
  await here.at('Sign in');
  await here.fill({ 'User name': person.name, Password: person.password });
  await here.press('Sign in');
  await here.at('Where do you live?');
  await here.says('We ask once');
  await here.fill({ 'Town or city': '' });
  await here.press('Save');
  await here.says('Town or city: Fill this in');
  await here.fill({ 'Town or city': 'Łódź' });
  await here.press('Save');
  await here.at('Hello Given');
  assert.equal((await server.read(person)).city, 'Łódź');
}

export async function aPasswordThatIsDueIsChosenWithThePresentOne({ visit, server }) {
  const person = await server.person({ city: 'Unsafe' });
  const here = await visit();
  await here.signIn(person);
  await here.says('one thing needs your attention');
  await here.follow('Continue');
  await here.at('New password');
  await here.fill({ 'New password': NEW_PASSWORD, 'Current password': 'wrong' });
  await here.press('Continue');
  await here.says('Current password: This is not your current password');
  await here.fill({ 'New password': 'weak', 'Current password': PASSWORD });
  await here.press('Continue');
  await here.says('New password: At least 8 characters');
  await here.fill({ 'New password': NEW_PASSWORD, 'Current password': PASSWORD });
  await here.press('Continue');
  await here.at('Hello Given');
  assert.ok(await server.signsIn(person.name, NEW_PASSWORD));
}
