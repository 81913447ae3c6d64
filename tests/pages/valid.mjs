// Every page in every state and language, and the style sheet, judged by the Nu validator: no error and no warning.
//
// One Java machine reads them all, and with them pages that are wrong on purpose: whoever finds nothing there has not looked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tools } from './support.mjs';
import { text, written } from './written.mjs';

/** What is done to a good page, and what is said of it then. */
const WRONG = [
  ['an id that is there twice', (page) => page.replace('<main ', '<p id="main">x</p><main '), /Duplicate ID/],
  ['a label of nothing', (page) => page.replace('<label for="f-user"', '<label for="f-nobody"'), /“for” attribute of the “label” element/],
  ['a purpose nobody knows', (page) => page.replace('autocomplete="username"', 'autocomplete="user"'), /autocomplete/],
  ['a heading left out', (page) => page.replace('</h1>', '</h1><h4>x</h4>'), /heading/i],
  ['a value that was not escaped', (page) => page.replace('</h1>', 'a < b </h1>'), /“<”/],
  ['an element that is not closed', (page) => page.replace('</form>', ''), /form/],
];
const FROM = ['en', 'sign-in.empty.html'];
const JAR = tools.resolve('vnu-jar/build/dist/vnu.jar');

/** What the validator says of these files: `{path, type, message, …}` each. */
function judged(paths) {
  const run = spawnSync('java', ['-Xss1m', '-jar', JAR, '--also-check-css', '--format', 'json', '--stdout', ...paths], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.error || !run.stdout.startsWith('{')) throw new Error(`the validator does not run: ${run.error ?? run.stderr}`);
  return JSON.parse(run.stdout).messages.map((message) => ({ ...message, path: message.url && fileURLToPath(message.url) }));
}

const began = Date.now();
const faults = await written(async ({ directory, pages }) => {
  const wrong = join(directory, 'wrong');
  mkdirSync(wrong);
  const good = text(directory, ...FROM);
  const planted = WRONG.map(([name, plant, said]) => {
    const page = plant(good);
    assert.notEqual(page, good, `${FROM.join('/')} has no place for ${name}`);
    const path = join(wrong, `${name.replaceAll(' ', '-')}.html`);
    writeFileSync(path, page);
    return { name, path, said };
  });
  const paths = pages.map((page) => join(directory, ...page));
  const messages = judged([...paths, join(directory, 'assets', 'style.css'), ...planted.map(({ path }) => path)]);
  const missed = planted.filter(({ path, said }) => !messages.some((message) => message.path === path && said.test(message.message)));
  const about = (path) => JSON.stringify(messages.filter((message) => message.path === path).map(({ message }) => message));
  const found = messages.filter(({ path }) => !path?.startsWith(wrong));
  console.log(`${paths.length} pages and the style sheet in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return [
    ...missed.map(({ name, path }) => `the validator does not find ${name}, but ${about(path)}`),
    ...found.map(({ path, type, message, lastLine, extract }) => `${path ? relative(directory, path) : ''}:${lastLine ?? ''}: ${type}: ${message}: ${JSON.stringify(extract ?? '')}`),
  ];
});
for (const fault of faults) console.log(fault);
process.exit(faults.length ? 1 : 0);
