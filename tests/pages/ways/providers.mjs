// Ways to an identity provider and back: registering, signing in, showing that an account is one's own, linking, and what ends there.
import assert from 'node:assert/strict';
import { PASSWORD, servers, unused } from '../support.mjs';

/** Somebody's browser on the server that has providers. */
async function visits({ visit }) {
  const here = await visit({ server: 'social' });
  // The provider's pages ask for a font that is not needed.
  await here.context.route(/^https:/, (route) => route.fulfill({ status: 200, contentType: 'text/css', body: '' }));
  return here;
}

/** Signs in at the provider, and agrees that it tells who one is. */
async function signsInThere(here, login) {
  await here.page.locator('input[name=login]').fill(login);
  await here.page.locator('input[name=password]').fill('anything');
  await here.page.getByRole('button', { name: 'Sign-in' }).click();
  await here.page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
  await here.page.getByRole('button', { name: 'Continue' }).click();
}

/** An address that the provider tells, and nobody has here. */
function somebody(tag) {
  const login = unused(tag);
  return { login, mail: `${login}@elsewhere.example.test` };
}

async function links(person) {
  const { body } = await servers.social.admin('GET', `managed/user/${person.id}?_fields=idps/*`);
  return (body.idps ?? []).length;
}

/** Somebody whose address at the provider is that of an account here comes by the provider, and is asked whose it is. */
async function comesToClaim(world, tag) {
  const { login, mail } = somebody(tag);
  const person = await servers.social.person({ mail }, false);
  const here = await visits(world);
  await here.open('/sign-in');
  await here.follow('Continue with Acme');
  await signsInThere(here, login);
  await here.at('You already have an account');
  return { here, person, mail };
}

/** A new person comes from a provider and registers; on another device they sign in by it, without a password, to where they wanted to go. */
async function registersAndSignsIn(world, provider, tag, signsIn) {
  const { login, mail } = somebody(tag);
  const here = await visits(world);
  await here.open('/registration');
  await here.follow(`Continue with ${provider}`);
  await signsIn(here, login);
  await here.at('Create an account');
  await here.says(`${provider} has told us who you are.`);
  assert.ok(!here.page.url().includes('code='), 'the answer is in no address that stays');
  assert.equal(await here.typed('Email address'), mail);
  await here.fill({ 'User name': login, 'First name': 'New', 'Last name': 'Comer' });
  await here.press('Continue');
  await here.at('Hello New');
  const there = await visits(world);
  await there.open('/account/providers');
  await there.at('Sign in');
  await there.follow(`Continue with ${provider}`);
  await signsIn(there, login);
  await there.at('Accounts elsewhere');
  await there.says(mail);
}

export async function aNewPersonRegistersWithAProviderAndSignsInByIt(world) {
  await registersAndSignsIn(world, 'Acme', 'newcomer', signsInThere);
}

/** Apple's way: the answer is a form that the provider's page posts to us, from another site and so without a cookie of ours. */
export async function aProviderAnswersWithAForm(world) {
  await registersAndSignsIn(world, 'Apple', 'posted', async (here, login) => {
    const ours = (request) => request.method() === 'POST' && new URL(request.url()).pathname === '/oauthReturn/';
    const posted = here.page.waitForRequest(ours);
    await signsInThere(here, login);
    if (!world.scripts) {
      // The provider's form is sent by a script of its page; without scripts there is a button in it.
      await here.page.locator('form input[name=code]').waitFor({ state: 'attached' });
      await here.page.getByRole('button', { name: 'Continue' }).click();
    }
    const request = await posted;
    assert.equal((await request.allHeaders()).cookie, undefined, 'a browser sends no cookie of ours with a form of another site');
    assert.match(request.postData(), /(^|&)code=/);
  });
}

export async function anAccountIsClaimedByItsPassword(world) {
  const { here, person } = await comesToClaim(world, 'claims');
  await here.fill({ Password: 'Wr0ngPassword!' });
  await here.press('Link the accounts');
  await here.says('The password is wrong, or it was tried too often');
  assert.equal(await links(person), 0);
  await here.fill({ Password: person.password });
  await here.press('Link the accounts');
  await here.at('Hello Given');
  assert.equal(await links(person), 1);
}

export async function anAccountIsClaimedByACodeToItsMailbox(world) {
  const { here, person, mail } = await comesToClaim(world, 'by-code');
  await here.press('Send me a code');
  await here.at('Check your email');
  const sent = await servers.social.mail(mail);
  assert.match(sent.body, /Someone who signed in with Acme/);
  await here.fill({ Code: '00000000' });
  await here.press('Link the accounts');
  await here.says('This code is wrong or too old.');
  assert.equal(await links(person), 0);
  await here.fill({ Code: sent.code });
  await here.press('Link the accounts');
  await here.at('Hello Given');
  assert.equal(await links(person), 1);
  assert.ok(await servers.social.signsIn(person.name, PASSWORD), 'the password is as it was');
}

export async function anAccountIsLinkedAndUnlinked(world) {
  const { login, mail } = somebody('links');
  const person = await servers.social.person({}, false);
  const here = await visits(world);
  await here.signIn(person);
  await here.at('Hello Given');
  await here.open('/account/providers');
  await here.follow('Link Acme');
  await signsInThere(here, login);
  await here.at('Link this account?');
  await here.says(mail);
  assert.equal(await links(person), 0, 'coming back links nothing');
  await here.press('Link the account');
  await here.says('The account at Acme is linked.');
  assert.equal(await links(person), 1);
  await here.press('Unlink Acme');
  await here.says('The account at Acme is no longer linked.');
  assert.equal(await links(person), 0);
}

export async function somebodyTurnsBackAtTheProvider(world) {
  const person = await servers.social.person({}, false);
  const here = await visits(world);
  await here.open('/account/profile');
  await here.at('Sign in');
  await here.follow('Continue with Acme');
  await here.page.getByRole('link', { name: 'Cancel' }).click();
  await here.at('Sign in');
  await here.says('You went back without signing in with Acme.');
  await here.fill({ 'User name': person.name, Password: person.password });
  await here.press('Sign in');
  await here.at('Profile');
}

export async function aProviderDoesNotAnswer(world) {
  const person = await servers.social.person({}, false);
  const here = await visits(world);
  await here.open('/sign-in');
  await here.follow('Continue with Gone');
  await here.at('Sign in');
  await here.says('Gone does not answer at the moment.');
  await here.fill({ 'User name': person.name, Password: person.password });
  await here.press('Sign in');
  await here.at('Hello Given');
}
