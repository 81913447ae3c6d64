// Everything that somebody does with their own account.
import assert from 'node:assert/strict';
import { NEW_PASSWORD, PASSWORD, unused } from '../support.mjs';
import { OWN } from './processes.mjs';

async function signedIn({ visit, server }, options) {
  const person = await server.person();
  const here = await visit(options);
  await here.signIn(person);
  await here.at('Hello Given');
  return { person, here };
}

export async function aPasswordIsWrongAndThenRight({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.signIn(person, 'wrong');
  await here.says('The user name or the password is wrong');
  assert.equal(await here.typed('User name'), person.name);
  await here.fill({ Password: PASSWORD });
  await here.press('Sign in');
  await here.at('Hello Given');
  await here.open('/sign-in');
  await here.at('Hello Given');
}

export async function personalDataAreChanged(world) {
  const { person, here } = await signedIn(world);
  await here.follow('Profile');
  await here.at('Profile');
  await here.follow('Change your personal details');
  await here.at('Your personal details');
  await here.fill({ 'First name': '', 'Telephone number (optional)': '+44 808 157 0192' });
  await here.press('Save');
  await here.says('Fill this in');
  assert.equal(await here.typed('Telephone number (optional)'), '+44 808 157 0192');
  await here.fill({ 'First name': 'Ada' });
  await here.press('Save');
  await here.says('Your personal details are saved.');
  assert.equal((await world.server.read(person)).givenName, 'Ada');
}

export async function preferencesAreChanged(world) {
  const { person, here } = await signedIn(world);
  await here.open('/account/profile');
  await here.follow('Change your preferences');
  await here.fill({ 'Send me news and updates': true });
  await here.press('Save');
  await here.says('Your preferences are saved.');
  assert.equal((await world.server.read(person)).preferences.updates, true);
}

export async function aNewAddressIsConfirmedByItsCode(world) {
  const { person, here } = await signedIn(world);
  const address = `${unused('address')}@example.test`;
  await here.open('/account/profile');
  await here.follow('Change your email address');
  await here.fill({ 'New email address': address, 'Current password': 'wrong' });
  await here.press('Save');
  await here.says('This is not your current password');
  await here.fill({ 'Current password': PASSWORD });
  await here.press('Save');
  await here.says('We have sent an email to the new address.');
  assert.equal((await world.server.read(person)).mail, person.mail);
  await here.follow('Change your email address');
  await here.fill({ Code: (await world.server.mail(address)).code });
  await here.press('Confirm the new address');
  await here.says('Your new address is confirmed.');
  assert.equal((await world.server.read(person)).mail, address);
}

export async function aPasswordIsChangedAndOtherDevicesAreSignedOut(world) {
  const { person, here } = await signedIn(world);
  const there = await world.visit();
  await there.signIn(person);
  await there.at('Hello Given');
  await there.open('/account/personal');
  await there.fill({ 'Last name': 'Typed' });
  await here.follow('Password');
  await here.fill({ 'Current password': PASSWORD, 'New password': NEW_PASSWORD });
  await here.press('Save');
  await here.says('Your password is changed.');
  // What the other device sends now changes nothing, says why, and is there after the sign-in.
  await there.press('Save');
  await there.at('Sign in');
  await there.says('You have been signed out.');
  assert.equal((await world.server.read(person)).sn, 'Family');
  const to = new URL(there.page.url()).searchParams.get('to');
  await there.fill({ 'User name': person.name, Password: NEW_PASSWORD });
  await there.press('Sign in');
  // The third sign-in asks for a telephone number first.
  await there.follow('Continue');
  await there.fill({ 'Telephone number': '+47 555 0199' });
  await there.press('Save');
  await there.at('Hello Given');
  await there.open(to);
  await there.at('Your personal details');
  assert.equal(await there.typed('Last name'), 'Typed');
  await there.press('Save');
  await there.says('Your personal details are saved.');
  assert.equal((await world.server.read(person)).sn, 'Typed');
  await here.open('/account/notifications');
  await here.says('Your password was changed.');
  await here.press('Dismiss all');
  await here.says('You have no notifications.');
}

export async function questionsAreChanged(world) {
  const { here } = await signedIn(world);
  await here.open('/account/profile');
  await here.follow('Change your security questions');
  await here.at('Your security questions');
  const [first] = await here.parts('Security question');
  await here.choose(1, first);
  await here.fill({ Answer: 'Rex' }, first);
  await here.fill({ 'Current password': PASSWORD });
  await here.press('Save');
  await here.says('Choose a question');
  const [one, two] = await here.parts('Security question');
  await here.fill({ Answer: 'Rex' }, one);
  await here.fill({ 'A question of my own': true, [OWN]: 'Which tea?', Answer: 'Assam' }, two);
  await here.fill({ 'Current password': PASSWORD });
  await here.press('Save');
  await here.says('Your security questions are saved.');
}

export async function sharingIsAgreedToAndStopped(world) {
  const { person, here } = await signedIn(world);
  await here.open('/account/profile');
  await here.follow('Sharing your data');
  await here.says('You have not agreed.');
  await here.press('Agree');
  await here.says('You agreed on');
  assert.equal((await world.server.read(person)).consentedMappings[0].mapping, 'newsletter');
  await here.press('Stop sharing');
  await here.says('You have not agreed.');
}

export async function aSessionElsewhereIsEndedHere(world) {
  const { person, here } = await signedIn(world);
  const there = await world.visit();
  await there.signIn(person);
  await there.at('Hello Given');
  await here.follow('Where you are signed in');
  await here.at('Where you are signed in');
  await here.press('End this session');
  await here.says('You are signed out there.');
  await there.follow('Where you are signed in');
  await there.at('Sign in');
}

export async function aPersonTakesTheirDataAndLeaves(world) {
  const { person, here } = await signedIn(world);
  await here.open('/account/profile');
  const [download] = await Promise.all([here.page.waitForEvent('download'), here.follow('Download your data')]);
  assert.equal(download.suggestedFilename(), 'userProfile.json');
  await here.follow('Delete your account');
  await here.at('Delete your account');
  await here.fill({ 'Current password': 'wrong' });
  await here.press('Delete the account');
  await here.says('This is not your current password');
  await here.fill({ 'Current password': PASSWORD });
  await here.press('Delete the account');
  await here.at('Welcome');
  assert.equal((await world.server.admin('GET', `managed/user/${person.id}`)).status, 404);
}

export async function somebodyWhoIsSignedInForgotNothing(world) {
  const { here } = await signedIn(world);
  await here.open('/reset');
  await here.at('You are signed in');
  await here.press('Sign out and continue');
  await here.at('Which account is it?');
}

export async function aLanguageIsChosenAndStays(world) {
  const { here } = await signedIn(world);
  await here.press('Deutsch');
  await here.at('Guten Tag, Given');
  await here.press('العربية');
  assert.equal(await here.page.locator('html[dir=rtl]').getAttribute('lang'), 'ar');
  await here.open('/account/profile');
  assert.equal(await here.page.locator('html').getAttribute('lang'), 'ar');
}
