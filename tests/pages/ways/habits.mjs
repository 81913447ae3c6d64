// What people do in browsers: back, reload, two tabs, a double click, no mouse.
import assert from 'node:assert/strict';
import { NEW_PASSWORD, PASSWORD } from '../support.mjs';

export async function backAndReloadShowWhatWasThere({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.open('/reset');
  await here.fill({ 'User name or email address': person.name });
  await here.press('Continue');
  await here.at('Check your email');
  await here.page.reload();
  await here.at('Check your email');
  await here.page.goBack();
  await here.at('Which account is it?');
  await here.page.goForward();
  await here.at('Check your email');
  await here.fill({ Code: (await server.mail(person.mail)).code });
  await here.press('Continue');
  await here.at('Choose a new password');
  await here.page.goBack();
  await here.at('Check your email');
  await here.page.goForward();
  await here.at('Choose a new password');
  await here.fill({ 'New password': NEW_PASSWORD });
  await here.press('Save the new password');
  await here.at('Your password is changed');
  await here.page.reload();
  await here.at('Your password is changed');
  await here.page.goBack();
  await here.at('This is already done');
}

export async function twoTabsDoNotDisturbEachOther({ visit, server }) {
  const [one, two] = [await server.person(), await server.person()];
  const here = await visit();
  const other = await here.tab();
  for (const [page, person] of [[here.page, one], [other, two]]) {
    await here.open('/reset', page);
    await here.fill({ 'User name or email address': person.name }, page);
    await here.press('Continue', page);
    await here.at('Check your email', page);
  }
  for (const [page, person] of [[other, two], [here.page, one]]) {
    await here.fill({ Code: (await server.mail(person.mail)).code }, page);
    await here.press('Continue', page);
    await here.fill({ 'New password': NEW_PASSWORD }, page);
    await here.press('Save the new password', page);
    await here.at('Your password is changed', page);
    assert.ok(await server.signsIn(person.name, NEW_PASSWORD));
  }
}

export async function whatIsTypedInTwoTabsIsNotMixedUp({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.signIn(person);
  await here.at('Hello Given');
  const tabs = [[here.page, 'One'], [await here.tab(), 'Two']];
  for (const [page, name] of tabs) {
    await here.open('/account/personal', page);
    await here.fill({ 'First name': '', 'Last name': name }, page);
    await here.press('Save', page);
    await here.says('Fill this in', page);
  }
  for (const [page, name] of tabs) {
    await here.reload(page);
    assert.equal(await here.typed('Last name', page), name);
    await here.fill({ 'First name': 'Ada' }, page);
    await here.press('Save', page);
    await here.says('Your personal details are saved.', page);
    assert.equal((await server.read(person)).sn, name);
  }
}

export async function aDoubleClickIsOneClick({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.open('/reset');
  await here.fill({ 'User name or email address': person.name });
  await here.page.getByRole('button', { name: 'Continue' }).dblclick();
  await here.at('Check your email');
  await here.fill({ Code: (await server.mail(person.mail)).code });
  await here.page.getByRole('button', { name: 'Continue' }).dblclick();
  await here.at('Choose a new password');
  await here.fill({ 'New password': NEW_PASSWORD });
  await here.page.getByRole('button', { name: 'Save the new password' }).dblclick();
  await here.at('Your password is changed');
}

/** Moves on with the tab key until this is reached. */
async function reach(page, role, name) {
  const wanted = page.getByRole(role, { name, exact: true }).first();
  await wanted.waitFor();
  for (let presses = 0; presses < 40; presses++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      const seen = await wanted.evaluate((element) => getComputedStyle(element).outlineStyle !== 'none' && element.getBoundingClientRect().top >= 0);
      assert.ok(seen, `the focus on '${name}' is not seen`);
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`'${name}' is out of reach of the keyboard on ${page.url()}`);
}

export async function aKeyboardIsEnough({ visit, server, scripts }) {
  const person = await server.person();
  const here = await visit();
  const { page } = here;
  await here.open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await reach(page, 'link', 'Sign in');
  await page.keyboard.press('Enter');
  await reach(page, 'textbox', 'User name');
  await page.keyboard.type(person.name);
  await reach(page, 'textbox', 'Password');
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await here.says('The user name or the password is wrong');
  if (scripts) assert.equal(await page.evaluate(() => document.activeElement.id), 'problems');
  await reach(page, 'textbox', 'Password');
  await page.keyboard.type(PASSWORD);
  if (scripts) {
    await reach(page, 'button', 'Show password');
    await page.keyboard.press('Space');
    assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('type'), 'text');
  }
  await reach(page, 'button', 'Sign in');
  await page.keyboard.press('Space');
  await here.at('Hello Given');
  await here.open('/account/preferences');
  await reach(page, 'checkbox', 'Send me news and updates');
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await here.says('Your preferences are saved.');
  await reach(page, 'button', 'Sign out');
}

export async function aPasswordIsJudgedWhileItIsTyped({ visit, server }) {
  const person = await server.person();
  const here = await visit();
  await here.signIn(person);
  await here.open('/account/password');
  const { page } = here;
  const met = page.locator('[data-rule].met');
  const all = await page.locator('[data-rule]').count();
  await here.fill({ 'New password': 'weak' });
  await page.getByRole('status').filter({ hasText: 'Not yet met' }).waitFor({ state: 'attached' });
  assert.ok((await met.count()) < all);
  await here.fill({ 'New password': NEW_PASSWORD });
  await page.getByRole('status').filter({ hasText: /^Met\. Strength: (Very weak|Weak)$/ }).waitFor({ state: 'attached' });
  assert.equal(await met.count(), all);
  await here.fill({ 'New password': `${NEW_PASSWORD} correct horse battery staple` });
  await page.getByRole('status').filter({ hasText: /Strength: Strong$/ }).waitFor({ state: 'attached' });
  assert.equal(await page.getByLabel('Strength:').evaluate((meter) => meter.value), 4);
}
aPasswordIsJudgedWhileItIsTyped.only = 'scripts';

export async function nothingTypedIsLostToAnotherLanguageUnasked({ visit }) {
  const here = await visit();
  const { page } = here;
  await here.open('/sign-in?to=%2Faccount%2Fprofile');
  await here.fill({ 'User name': 'somebody' });
  let asked = '';
  page.once('dialog', (dialog) => { asked = dialog.message(); return dialog.dismiss(); });
  await here.press('Deutsch');
  assert.match(asked, /Change the language\?/);
  assert.equal(await here.typed('User name'), 'somebody');
  page.once('dialog', (dialog) => dialog.accept());
  await here.press('Deutsch');
  await here.at('Anmelden');
  assert.ok(here.address().endsWith('/sign-in?to=%2Faccount%2Fprofile'), here.address());
}
nothingTypedIsLostToAnotherLanguageUnasked.only = 'scripts';

export async function arabicFitsANarrowScreen({ visit, server }) {
  const person = await server.person();
  const here = await visit({ locale: 'ar', viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
  const { page } = here;
  const fits = async () => {
    const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth, document.documentElement.dir]);
    assert.deepEqual(wide, [320, 320, 'rtl'], page.url());
  };
  for (const path of ['/', '/reset', '/username', '/registration', '/code', '/sign-in']) {
    await here.open(path);
    await fits();
  }
  await page.locator('#f-user').fill(person.name);
  await page.locator('#f-password').fill(PASSWORD);
  await page.locator('main form button:not([type=button])').click();
  await page.waitForURL('**/account');
  for (const part of ['', '/profile', '/personal', '/mail', '/password', '/questions', '/preferences', '/sessions', '/notifications', '/consent', '/delete']) {
    await here.open(`/account${part}`);
    await fits();
  }
}
