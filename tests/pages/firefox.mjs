// Debian's Firefox, driven by WebDriver BiDi: visitors with the words of those in Chromium, for the ways that need no more.
//
// Easiest to get wrong: nothing here waits by itself, so whoever presses something waits for the page that comes of it; keys and clicks go to
// the tab in front, so that a browser is used by one way at a time; a click finds what was there before the last scrolling, so that pages are looked
// at whole; and without scripts only what answers at once is ever asked of a page.
import { given, tools, Anybody, EXPECTED, PATIENCE } from './support.mjs';

/** What the browser itself would ask or fill in while somebody types lies above the page, and takes keys and clicks. */
const SILENT = {
  'extensions.formautofill.addresses.enabled': false, 'extensions.formautofill.creditCards.enabled': false,
  'signon.rememberSignons': false, 'signon.autofillForms': false, 'browser.formfill.enable': false,
};

/** Two browsers: one of them has no scripts. */
export async function launch() {
  const puppeteer = tools('puppeteer-core').default ?? tools('puppeteer-core');
  if (!given.firefox) throw new Error('there is no Firefox: run `make test-firefox`, or set VESTIBULE_FIREFOX');
  const start = (scripts) => puppeteer.launch({
    browser: 'firefox', executablePath: given.firefox, headless: true, timeout: PATIENCE, protocolTimeout: 2 * PATIENCE,
    extraPrefsFirefox: { 'intl.accept_languages': 'en', 'javascript.enabled': scripts, ...SILENT },
  });
  const [withScripts, without] = await Promise.all([start(true), start(false)]);
  return { of: (scripts) => (scripts ? withScripts : without), close: () => Promise.all([withScripts.close(), without.close()]) };
}

const tidy = (text) => text.replace(/\s+/g, ' ').trim();

/** What is there, as far as somebody sees it: `kind` is a selector, `name` what it is called. It runs in the page. */
function named(kind, name, within) {
  const plain = (element) => (element.getAttribute('aria-label') ?? element.textContent).replace(/\s+/g, ' ').trim();
  return [...(within ?? document).querySelectorAll(kind)].find((element) => element.checkVisibility() && plain(element) === name) ?? null;
}

/** The field that a label is of. It runs in the page. */
function labelled(label, within) {
  const plain = (element) => element.textContent.replace(/\s+/g, ' ').trim();
  return [...(within ?? document).querySelectorAll('label')].find((element) => plain(element) === label)?.control ?? null;
}

/** Somebody's browser: cookies of its own, with scripts or without. */
export class Visitor extends Anybody {
  static async of(browser, server, { scripts = true, viewport = { width: 1280, height: 2400 } } = {}) {
    const context = await browser.of(scripts).createBrowserContext();
    const visitor = new Visitor();
    Object.assign(visitor, { context, server, scripts, viewport, faults: [] });
    visitor.page = await visitor.tab();
    return visitor;
  }

  /** One more tab. */
  async tab() {
    const page = await this.context.newPage();
    await page.setViewport(this.viewport);
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.faults.push(`a script failed: ${error}`));
    page.on('console', (message) => {
      if (['error', 'warn'].includes(message.type()) && !EXPECTED.test(message.text())) this.faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.server.url) && !/^(data|about):/.test(request.url())) this.faults.push(`asked elsewhere: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 500) this.faults.push(`${response.status()} ${response.url()}`);
    });
    return page;
  }

  async open(path, page = this.page) {
    return page.goto(new URL(path, this.server.url).href, { waitUntil: 'load' });
  }

  /** Asks the page until it says what is wanted; in between it may go. */
  async until(wanted, page, ask, ...given) {
    const late = Date.now() + PATIENCE;
    for (let last; ;) {
      try {
        const found = await ask(page, ...given);
        if (found) return found;
      } catch (error) {
        last = error;
      }
      if (Date.now() > late) {
        const text = await page.evaluate(() => document.body.innerText).catch(() => '');
        throw new Error(`'${wanted}' is not at ${page.url()}, which says:\n${text}\n`, { cause: last });
      }
      await new Promise((next) => setTimeout(next, 20));
    }
  }

  /** Waits for a page with this heading. */
  async at(heading, page = this.page) {
    await this.until(heading, page, async () => tidy(await page.$eval('h1', (element) => element.innerText)) === heading);
  }

  /** Waits for these words. */
  async says(words, page = this.page) {
    await this.until(words, page, async () => tidy(await page.$eval('main', (element) => element.innerText)).includes(words));
  }

  /** What a function of the page finds there, one after another. It takes what is given and the place of one. */
  async each(find, ...given) {
    const found = [];
    for (let at = 0; ; at++) {
      const one = (await this.page.evaluateHandle(find, at, ...given)).asElement();
      if (!one) return found;
      found.push(one);
    }
  }

  /** The parts of the page whose legend begins so. */
  async parts(legend) {
    const find = (at, wanted) => [...document.querySelectorAll('fieldset')].filter((part) => part.querySelector('legend').innerText.startsWith(wanted))[at] ?? null;
    return this.each(find, legend);
  }

  /** One of the choices of a part, by its place. */
  async choose(at, part) {
    const radios = await this.each((place, within) => within.querySelectorAll('input[type=radio]')[place] ?? null, part);
    await this.point(radios[at]);
  }

  async field(label, within) {
    const find = async () => (await this.page.evaluateHandle(labelled, label, within)).asElement();
    return this.until(label, this.page, find);
  }

  /** Fills in fields by what they are called. */
  async fill(values, within = null) {
    for (const [label, value] of Object.entries(values)) {
      const field = await this.field(label, within);
      if (typeof value === 'boolean') {
        const is = () => field.evaluate((element) => element.checked);
        if (await is() !== value) await this.point(field);
        await this.until(`${label}: ${value}`, this.page, async () => await is() === value);
      } else {
        await this.page.bringToFront();
        await field.evaluate((element) => { element.focus(); element.select(); });
        await this.page.keyboard.press('Delete');
        await this.page.keyboard.type(value);
      }
    }
  }

  /** What stands in a field. */
  async typed(label, within = null) {
    return (await this.field(label, within)).evaluate((element) => element.value);
  }

  /** What the page asks to be typed: the labels of its fields. */
  async asked() {
    return this.page.evaluate(() => [...document.querySelectorAll('main input:is([type=text], [type=email])')].map((field) => field.labels[0].textContent.trim()));
  }

  /** Follows a link of the mail to somebody, from the page that shows mails. */
  async openMail(name, link) {
    const row = (wanted) => [...document.querySelectorAll('tr')].find((element) => element.innerText.includes(wanted))?.querySelector('a') ?? null;
    const found = await this.until(name, this.page, async () => (await this.page.evaluateHandle(row, name)).asElement());
    await this.turn(name, this.page, found);
    // Nothing can be asked of a frame that may run no scripts, so that its link is read here.
    const body = await this.until(link, this.page, () => this.page.$eval('iframe', (frame) => frame.srcdoc));
    const href = [...body.matchAll(/<a [^>]*href="([^"]*)"[^>]*>([^<]*)</g)].find(([, , text]) => tidy(text) === link)?.[1];
    if (!href) throw new Error(`the mail has no link '${link}':\n${body}`);
    // The frame's own end is not waited for either.
    await this.page.goto('about:blank', { waitUntil: [] });
    await this.open(href.replaceAll('&amp;', '&'));
  }

  async press(name, page = this.page) {
    await this.click('button', name, page);
  }

  async follow(name, page = this.page) {
    await this.click('a[href]', name, page);
  }

  /** Clicks in the middle of something. What a handle does by itself waits for scripts of the page. */
  async point(found, page = this.page) {
    await page.bringToFront();
    const { x, y } = await found.evaluate((element) => {
      element.scrollIntoView({ block: 'center', behavior: 'instant' });
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    });
    await page.mouse.click(x, y);
  }

  /** Looks at the page: one in the background may rest. */
  async look(page = this.page) {
    await page.bringToFront();
  }

  /** Clicks what has this name. */
  async click(kind, name, page) {
    const found = await this.until(name, page, async () => (await page.evaluateHandle(named, kind, name, null)).asElement());
    await this.turn(name, page, found);
  }

  /** Clicks something, and waits for the page that comes of it. */
  async turn(name, page, found) {
    await page.evaluate(() => { globalThis.vestibuleLeft = true; });
    await this.point(found, page);
    await this.until(`what follows '${name}'`, page, () => page.evaluate(() => !globalThis.vestibuleLeft && document.readyState === 'complete'));
  }

  async reload(page = this.page) {
    await page.reload({ waitUntil: 'load' });
  }
}
