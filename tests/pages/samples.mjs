// Every page in every state and language, looked at in a browser.
//
// WCAG 2.2 AA by axe-core in both themes, no page wider than a narrow screen, a focus that is seen, and what Chromium tells an assistive
// technology: page by page in English (names/en.txt); in every other language the same without its words, and what its words are, each once
// (names/<language>.txt). VESTIBULE_UPDATE=1 writes these files.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { launch, tools } from './support.mjs';
import { lines, names, shape, spoken } from './names.mjs';
import { text, written } from './written.mjs';

const NARROW = 320;
/** The contrast of what shows the focus (WCAG 2.2, 1.4.11). */
const FOCUS = 3;
const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const NAMES = new URL('names/', import.meta.url);

/** Pages that are looked at with what stands around them. */
const AROUND = /^(landing|account-dashboard)/;

const axe = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds in the page: all of the standard, the colours aside or alone. They are the same in every language. */
const judged = (page, colours) => page.evaluate(async ({ standard, colours }) => {
  const runOnly = colours === 'alone' ? ['color-contrast'] : standard;
  const rules = colours === 'aside' ? { 'color-contrast': { enabled: false } } : {};
  const found = await axe.run(document, { runOnly, rules, resultTypes: ['violations'], preload: false, iframes: false });
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
}, { standard: STANDARD, colours });

/** Everything that can have the focus and does not show it well enough. */
const unseen = (page) => page.evaluate((least) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const pixel = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const luminance = ([r, g, b]) => [r, g, b].map((part) => { part /= 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; })
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const colour = pixel(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const faults = [];
  for (const element of document.querySelectorAll('a[href], button, input:not([type=hidden]), textarea, [tabindex="0"]')) {
    if (element.tabIndex < 0 || element.disabled || !element.checkVisibility()) continue;
    element.focus();
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
    const [a, b] = [luminance(pixel(outlineColor)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2 || contrast < least) {
      faults.push(`the focus of ${element.outerHTML.slice(0, 80)} is ${outlineStyle}, ${outlineWidth}, ${contrast.toFixed(2)} : 1`);
    }
  }
  return faults;
}, FOCUS);

/** Everything that is wrong with one page. */
async function look(page, directory, language, file) {
  const faults = [];
  // Written into a document that is there: nothing is loaded anew but what the page itself asks for.
  await page.evaluate((html) => new Promise((resolve) => {
    document.open();
    addEventListener('load', resolve, { once: true });
    document.write(html);
    document.close();
  }), text(directory, language, file).replace(/<meta http-equiv="refresh"[^>]*>/, ''));
  faults.push(...await judged(page, language === 'en' ? 'too' : 'aside'));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > NARROW) faults.push(`it is ${wide} px wide on a screen of ${NARROW}`);
  const said = await spoken(page, false);
  const around = AROUND.test(file) ? await spoken(page, true) : said;
  if (language !== 'en') return { faults, said, around };
  faults.push(...await unseen(page));
  await page.emulateMedia({ colorScheme: 'dark' });
  faults.push(...await judged(page, 'alone'), ...await unseen(page));
  await page.emulateMedia({ colorScheme: 'light' });
  return { faults, said, around };
}

/** What stands in the file of each language. */
function toldIn(heard) {
  const told = new Map();
  for (const page of [...heard.keys()].sort()) {
    const [language, file] = page.split('/');
    if (!told.has(language)) told.set(language, new Set());
    const { around } = heard.get(page);
    const said = language === 'en' ? [`# ${file.replace(/\.html$/, '')}\n${lines(around)}\n`] : names(around);
    for (const one of said) told.get(language).add(one);
  }
  return [...told].map(([language, said]) => [language, `${[...said].join('\n')}${language === 'en' ? '' : '\n'}`]);
}

const began = Date.now();
let failed = 0;
await written(async ({ directory, all, pages }) => {
  const count = pages.length;
  const waiting = [...pages];
  const heard = new Map();
  const browser = await launch();
  await Promise.all(Array.from({ length: cpus().length * 2 }, async () => {
    const page = await (await browser.newContext({ viewport: { width: NARROW, height: 640 } })).newPage();
    await page.route(/^https?:/, (route) => route.abort());
    await page.goto(`file://${join(directory, ...all[0])}`);
    await page.evaluate(axe);
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [language, file] = next;
      const found = await look(page, directory, language, file).catch((error) => ({ faults: [error.stack] }));
      if (found.said) heard.set(`${language}/${file}`, found);
      failed += found.faults.length;
      for (const fault of found.faults) console.log(`${language}/${file}: ${fault}`);
    }
  }));
  await browser.close();
  for (const [page, { said }] of heard) {
    const [language, file] = page.split('/');
    const english = heard.get(`en/${file}`);
    if (language === 'en' || !english || shape(said) === shape(english.said)) continue;
    failed++;
    console.log(`${page} is told in another shape than in English:\n${shape(said)}`);
  }
  for (const [language, told] of toldIn(heard)) {
    const path = new URL(`${language}.txt`, NAMES);
    if (process.env.VESTIBULE_UPDATE) {
      writeFileSync(path, told);
    } else if (count === all.length) {
      const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
      if (told === known) continue;
      failed++;
      const parts = (text) => text.split(language === 'en' ? '\n# ' : '\n');
      const other = parts(told).filter((part) => !parts(known).includes(part));
      console.log(`pages are told otherwise than tests/pages/names/${language}.txt says; VESTIBULE_UPDATE=1 writes it:\n${other.join('\n')}`);
    }
  }
  console.log(`${count} pages in ${((Date.now() - began) / 1000).toFixed(1)} s, ${failed} faults`);
});
process.exit(failed ? 1 : 0);
