// Links of mails: on other devices, used, expired, cut, foreign, and opened by machines.
import assert from 'node:assert/strict';
import { NEW_PASSWORD } from '../support.mjs';

/** Somebody who has asked for a new password: the browser that waits for the code, and the mail. */
async function asked({ visit }, server, options) {
  const person = await server.person();
  const here = await visit(options);
  await here.open('/reset');
  await here.fill({ 'User name or email address': person.name });
  await here.press('Continue');
  await here.at('Check your email');
  return { person, here, mail: await server.mail(person.mail) };
}

/** Somebody who is signed in and has asked for another address, which begins with a word. */
async function asksForAnotherAddress({ server, visit }, word) {
  const person = await server.person();
  const address = `${word}-${person.mail}`;
  const here = await visit();
  await here.signIn(person);
  await here.open('/account/mail');
  await here.fill({ 'New email address': address, 'Current password': person.password });
  await here.press('Save');
  await here.says('We have sent an email to the new address.');
  return { person, address, here };
}

async function takesANewPassword(world, there, person) {
  await there.at('Choose a new password');
  await there.fill({ 'New password': NEW_PASSWORD });
  await there.press('Save the new password');
  await there.at('Your password is changed');
  assert.ok(await world.server.signsIn(person.name, NEW_PASSWORD));
}

export async function aLinkWorksOnAnotherDeviceAndTheFirstOneNotices(world) {
  const { person, here, mail } = await asked(world, world.server);
  const there = await world.visit({ viewport: { width: 360, height: 740 } });
  await there.open(mail.link);
  await there.at('One step left');
  assert.ok(!there.address().includes('token'), there.address());
  await there.press('Continue');
  await takesANewPassword(world, there, person);
  // With scripts it looks by itself; without, when it is looked at.
  await here.look();
  if (!world.scripts) await here.reload();
  await here.at('This is already done');
  await there.open(mail.link);
  await there.at('This is already done');
  await there.follow('Begin again');
  await there.at('Which account is it?');
}

export async function whatAMachineOpensAndSendsChangesNothing(world) {
  const { person, mail } = await asked(world, world.server);
  const scanner = await world.visit();
  const requests = scanner.context.request;
  for (let times = 0; times < 2; times++) {
    assert.ok((await requests.head(mail.link)).ok());
    await scanner.open(mail.link);
    await scanner.at('One step left');
    // A form that is sent by itself is sent by no button.
    await scanner.page.locator('main form').evaluate((form) => form.submit());
    await scanner.at('One step left');
  }
  const there = await world.visit();
  await there.open(mail.link);
  await there.press('Continue');
  await takesANewPassword(world, there, person);
}

export async function aLinkThatIsCutOrForeignSaysWhatToDo(world) {
  const { mail } = await asked(world, world.server);
  const token = new URL(mail.link).search.slice(1).split('&').find((part) => part.startsWith('token=')).slice(6);
  const there = await world.visit();
  for (const path of [`/reset?token=${token.slice(0, -20)}&code=x`, '/reset?token=nonsense&code=x', `/registration?token=${token}&code=x`]) {
    await there.open(path);
    await there.at('This link is not valid');
    await there.follow('Send me a new link');
    await there.at(path.startsWith('/reset') ? 'Which account is it?' : 'Create an account');
  }
  await there.open(`/reset?token=${token}&code=00000000-0000-4000-8000-000000000000`);
  await there.at('One step left');
  await there.press('Continue');
  await there.says('This code is wrong or too old');
  await there.press('Continue');
  await there.says('Enter the code from the email');
  await there.fill({ Code: mail.code });
  await there.press('Continue');
  await there.at('Choose a new password');
}

export async function whatAMachineSendsOfALinkAboutAnAddressChangesNothing(world) {
  const { server } = world;
  const { person, address, here } = await asksForAnotherAddress(world, 'machine');
  const scanner = await world.visit();
  for (const to of [address, person.mail]) {
    await scanner.open((await server.mail(to)).link);
    await scanner.page.locator('main form').evaluate((form) => form.submit());
    await scanner.page.locator('main form button').waitFor();
  }
  assert.equal((await server.read(person)).mail, person.mail);
  await here.open('/account/mail');
  await here.says('The new address takes effect when');
}

export async function aLinkThatHasExpiredSaysSo(world) {
  const { here, mail } = await asked(world, world.still, { server: 'still' });
  const there = await world.visit({ server: 'still' });
  world.still.advance(2000);
  await there.open(mail.link);
  await there.at('This link has expired');
  await there.follow('Send me a new link');
  await there.at('Which account is it?');
  // With scripts the page has noticed by itself.
  if (!world.scripts) {
    await here.fill({ Code: mail.code });
    await here.press('Continue');
  }
  await here.at('This link has expired');
}

export async function aLinkOfAMailFromBeforeArrives(world) {
  const { mail } = await asked(world, world.server);
  const there = await world.visit();
  await there.open(`/#/passwordreset/${mail.link.slice(mail.link.indexOf('?') + 1)}`);
  if (!world.scripts) {
    await there.page.locator('noscript a').click();
    await there.at('The link from an email');
    await there.fill({ 'Link from the email': 'http://example.test/nothing' });
    await there.press('Continue');
    await there.says('This is not a link from one of our emails.');
    await there.fill({ 'Link from the email': mail.link });
    await there.press('Continue');
  }
  await there.at('One step left');
  assert.ok(!there.address().includes('token'), there.address());
}

export async function aLinkToCompleteAProfileArrivesWithItsNameAndWithout(world) {
  for (const route of ['/#/profilecompletion/', '/#/profileCompletion/profile']) {
    const there = await world.visit();
    await there.open(`${route}&token=nothing&code=1`);
    await there.at('Sign in');
    assert.ok(!there.address().includes('token'), there.address());
  }
  const there = await world.visit();
  await there.open('/#/nosuch/&token=nothing&code=1');
  await there.says('This is not a link from one of our emails.');
  assert.ok(!there.address().includes('token'), there.address());
}
aLinkToCompleteAProfileArrivesWithItsNameAndWithout.only = 'scripts';

export async function aMailIsAskedForAgain(world) {
  const { person, here } = await asked(world, world.server, { timers: 'held' });
  const button = here.page.getByRole('button', { name: 'Send the email again' });
  if (world.scripts) {
    assert.ok(await button.isDisabled(), 'it counts down first');
    await here.page.clock.runFor(31_000);
  }
  await button.click();
  await here.says('We have sent the email again.');
  await here.fill({ Code: (await world.server.mail(person.mail)).code });
  await here.press('Continue');
  await here.at('Choose a new password');
}

export async function aNewAddressIsConfirmedAndUndoneByLinks(world) {
  const { server } = world;
  const { person, address } = await asksForAnotherAddress(world, 'new');
  const there = await world.visit();
  await there.open((await server.mail(address)).link);
  await there.page.locator('main form button').click();
  await there.page.locator('main form').waitFor({ state: 'detached' });
  assert.equal((await server.read(person)).mail, address);
  await there.open((await server.mail(person.mail)).link);
  await there.page.locator('main form button').click();
  await there.page.locator('main form').waitFor({ state: 'detached' });
  assert.equal((await server.read(person)).mail, person.mail);
}

export async function aFormThatIsOnItsWayIsNotOvertaken(world) {
  const { here, mail } = await asked(world, world.server, { timers: 'held' });
  // The page looks whether the step was completed; its answer comes after the form was sent, and before the answer to the form does.
  let looked, looks, sent;
  const [hasLooked, mayLook, maySend] = [new Promise((done) => { looked = done; }), new Promise((done) => { looks = done; }), new Promise((done) => { sent = done; })];
  await here.page.route('**/selfservice/reset*', async (route) => {
    const method = route.request().method();
    if (method === 'HEAD') {
      looked();
      await mayLook;
      return route.fulfill({ status: 410 });
    }
    if (method === 'POST') await maySend;
    return route.continue();
  });
  await here.page.clock.runFor(6000);
  await hasLooked;
  await here.fill({ Code: mail.code });
  const answered = here.page.waitForResponse((response) => response.request().method() === 'HEAD');
  await here.page.getByRole('button', { name: 'Continue', exact: true }).click({ noWaitAfter: true });
  looks();
  await answered;
  sent();
  await here.at('Choose a new password');
}
aFormThatIsOnItsWayIsNotOvertaken.only = 'scripts';
