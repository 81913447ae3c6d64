// What every file here uses: the tools, the servers that the tests started, people, their browsers and their mails.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync, renameSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The packages of `package.json`, where `make tools` put them. */
export const tools = createRequire(process.env.VESTIBULE_NODE_MODULES + '/of-the-tests.js');

/** What the test that started this says: `{chromium, password, provider, servers: {<name>: {url, mail, clock}}}`. */
export const given = JSON.parse(process.env.VESTIBULE_PAGES_TESTS);
export const ADMIN_PASSWORD = given.password;

/** How long anything may take to become true, in milliseconds: as long as the tests wait that start this. It is for what hangs, not for what is slow. */
export const PATIENCE = Number(process.env.VESTIBULE_PAGES_PATIENCE || 60_000);

export const PASSWORD = 'Str0ngEnough!';
export const NEW_PASSWORD = 'N3wPassword!';

let people = 0;

/** A server. */
export class Server {
  constructor({ url, mail, clock }) {
    Object.assign(this, { url, mailPage: mail, clock });
  }

  /** A request of an administrator. */
  async admin(method, path, body) {
    const headers = {
      'X-OpenIDM-Username': 'openidm-admin', 'X-OpenIDM-Password': given.password, 'X-OpenIDM-NoSession': 'true',
      'Content-Type': 'application/json',
    };
    const answer = await fetch(`${this.url}/openidm/${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  }

  /** Somebody with an account. They have accepted the terms where `accepts` does not say otherwise. */
  async person(properties = {}, accepts = true) {
    const name = `person${++people}`;
    const object = {
      userName: name, givenName: 'Given', sn: 'Family', mail: `${name}@example.test`, password: PASSWORD,
      kbaInfo: [{ questionId: '1', answer: 'Elm Street' }, { questionId: '2', answer: 'Oolong' }], ...properties,
    };
    const made = await this.admin('POST', 'managed/user?_action=create', object);
    if (made.status !== 201) throw new Error(`nobody was created: ${JSON.stringify(made)}`);
    if (accepts) {
      const headers = { 'X-OpenIDM-Username': name, 'X-OpenIDM-Password': PASSWORD, 'X-OpenIDM-NoSession': 'true', 'Content-Type': 'application/json' };
      const path = `${this.url}/openidm/selfservice/termsAndConditions?_action=submitRequirements`;
      const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ input: { accept: 'true' } }) });
      if (!answer.ok) throw new Error(`the terms are not accepted: ${await answer.text()}`);
    }
    return { id: made.body._id, name, mail: object.mail, password: PASSWORD };
  }

  async read(person) {
    return (await this.admin('GET', `managed/user/${person.id}`)).body;
  }

  async signsIn(name, password) {
    const headers = { 'X-OpenIDM-Username': name, 'X-OpenIDM-Password': password, 'X-OpenIDM-NoSession': 'true' };
    return (await fetch(`${this.url}/openidm/info/login`, { headers })).status === 200;
  }

  /** The next mail to an address, when it has come: its link and its typable code. */
  async mail(address) {
    const { subject, body } = await next(address);
    const text = body.replaceAll('&amp;', '&');
    return { subject, body: text, link: /https?:\/\/[^"'<> \n]+/.exec(text)?.[0], code: text.match(/(?<!\d)\d{8}(?!\d)/g)?.at(-1) };
  }

  /** Puts its clock forward. */
  advance(seconds) {
    const text = readFileSync(this.clock, 'utf8');
    const sign = text.startsWith('=') ? '=' : '';
    writeFileSync(`${this.clock}.new`, sign + (Number(text.replace('=', '')) + seconds));
    renameSync(`${this.clock}.new`, this.clock);
  }
}

// Mails come line by line on standard input, each for whoever waits for one to its address.
const mails = [];
const waiting = new Set();
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  mails.push(JSON.parse(line));
  for (const look of waiting) look();
});

function next(address) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => { waiting.delete(look); reject(new Error(`no mail for ${address} came`)); }, PATIENCE);
    const look = () => {
      const at = mails.findIndex((mail) => mail.to.includes(address));
      if (at < 0) return;
      clearTimeout(late);
      waiting.delete(look);
      resolve(mails.splice(at, 1)[0]);
    };
    waiting.add(look);
    look();
  });
}

export const servers = Object.fromEntries(Object.entries(given.servers).map(([name, server]) => [name, new Server(server)]));

/** A name nobody had before. */
export const unused = (tag) => `${tag}${++people}`;

/** The one browser. */
export async function launch() {
  const { chromium } = tools('playwright-core');
  return chromium.launch({
    executablePath: given.chromium, timeout: PATIENCE,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update'],
  });
}

// A page that is refused is one of ours, with a status that says so.
export const EXPECTED = /Failed to load resource: the server responded with a status of 4/;

/** What somebody does in any browser. */
export class Anybody {
  address(page = this.page) {
    return page.url();
  }

  async title(page = this.page) {
    return page.title();
  }

  async signIn(person, password = person.password) {
    await this.open('/sign-in');
    await this.at('Sign in');
    await this.fill({ 'User name': person.name, Password: password });
    await this.press('Sign in');
  }

  async close() {
    await this.context.close();
  }
}

/** Whether an address is the identity provider's, by either name of this machine. */
function isOfProvider(url) {
  const there = given.provider ? [given.provider, given.provider.replace('127.0.0.1', 'localhost')] : [];
  return there.some((place) => url.startsWith(place));
}

/** Somebody's browser: cookies and history of its own, with scripts or without. */
export class Visitor extends Anybody {
  static async of(browser, server, { scripts = true, timers = 'go', ...options } = {}) {
    const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled: scripts, locale: 'en', ...options });
    const visitor = new Visitor();
    Object.assign(visitor, { context, server, scripts, faults: [] });
    // The page's timers go on when the test says so.
    if (timers === 'held') await context.clock.install();
    visitor.page = await visitor.tab();
    return visitor;
  }

  /** One more tab. */
  async tab() {
    const page = await this.context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.faults.push(`a script failed: ${error}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text()) && !this.isAway(page)) this.faults.push(message.text());
    });
    page.on('request', (request) => {
      if (this.isAway(page) || (request.isNavigationRequest() && isOfProvider(request.url()))) return;
      if (!request.url().startsWith(this.server.url) && !request.url().startsWith('data:')) this.faults.push(`asked elsewhere: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 500) this.faults.push(`${response.status()} ${response.url()}`);
    });
    return page;
  }

  /** Whether a page is the identity provider's, which may do as it likes. */
  isAway(page) {
    return isOfProvider(page.url());
  }

  async open(path, page = this.page) {
    return page.goto(path, { waitUntil: 'load' });
  }

  /** Waits for a page with this heading. */
  async at(heading, page = this.page) {
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor().catch((error) => this.lost(heading, page, error));
  }

  /** Waits for these words. */
  async says(words, page = this.page) {
    await page.locator('main').filter({ hasText: words }).waitFor().catch((error) => this.lost(words, page, error));
  }

  async lost(wanted, page, error) {
    const text = await page.locator('body').innerText().catch(() => '');
    throw new Error(`'${wanted}' is not at ${page.url()}, which says:\n${text}\n`, { cause: error });
  }

  /** The parts of the page whose legend begins so. */
  async parts(legend) {
    return this.page.getByRole('group', { name: new RegExp(`^${legend}`) }).all();
  }

  /** One of the choices of a part, by its place. */
  async choose(at, part) {
    await part.getByRole('radio').nth(at).check();
  }

  /** What stands in a field. */
  async typed(label, within = this.page) {
    return within.getByLabel(label, { exact: true }).first().inputValue();
  }

  /** What the page asks to be typed: the labels of its fields. */
  async asked() {
    return this.page.locator('main input:is([type=text], [type=email])').evaluateAll((fields) => fields.map((field) => field.labels[0].textContent.trim()));
  }

  /** Follows a link of the mail to somebody, from the page that shows mails. */
  async openMail(name, link) {
    await this.page.getByRole('row', { name }).getByRole('link').click();
    await this.page.frameLocator('iframe').getByRole('link', { name: link }).click();
  }

  /** Fills in fields by what they are called, of a page or a part of it. */
  async fill(values, within = this.page) {
    for (const [label, value] of Object.entries(values)) {
      const field = within.getByLabel(label, { exact: true }).first();
      if (typeof value === 'boolean') await field.setChecked(value);
      else await field.fill(value);
    }
  }

  async press(name, page = this.page) {
    await page.getByRole('button', { name, exact: true }).first().click();
  }

  async follow(name, page = this.page) {
    await page.getByRole('link', { name, exact: true }).first().click();
  }

  /** Looks at the page: one in the background may rest. */
  async look(page = this.page) {
    await page.bringToFront();
  }

  async reload(page = this.page) {
    await page.reload();
  }
}
