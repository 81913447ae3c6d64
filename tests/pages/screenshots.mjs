// Pictures of every page in every state, language and theme: node screenshots.mjs BINARY DIRECTORY [CONTACT-SHEET].
//
// Each is written to DIRECTORY/<language>/<theme>/<page>.png; the contact sheet shows one state of each page, in English and light. Beside it
// lie the pictures of README.md.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from './support.mjs';

const [binary, directory, sheet] = process.argv.slice(2);
const only = new RegExp(process.env.VESTIBULE_PAGES_ONLY ?? '');
rmSync(directory, { recursive: true, force: true });
execFileSync(binary, ['check', '--quiet', '--pages', join(directory, 'pages')], { stdio: 'ignore' });
const languages = readdirSync(join(directory, 'pages')).filter((name) => name !== 'assets');
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 900, height: 640 } });
await page.route(/^https?:/, (route) => route.abort());
// What README.md shows, and what it calls it.
const README = { landing: 'landing.plain', code: 'stages-emailValidation.code', account: 'account-dashboard.owing' };
const shown = [];
for (const language of languages) {
  for (const file of readdirSync(join(directory, 'pages', language)).filter((name) => only.test(`${language}/${name}`))) {
    // One page leads on by itself.
    const source = join(directory, 'pages', language, file);
    writeFileSync(source, readFileSync(source, 'utf8').replace(/<meta http-equiv="refresh"[^>]*>/, ''));
    await page.goto(pathToFileURL(source).href, { waitUntil: 'load' });
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme });
      mkdirSync(join(directory, language, theme), { recursive: true });
      const path = join(directory, language, theme, file.replace(/\.html$/, '.png'));
      await page.screenshot({ path, fullPage: true });
      shown.push({ language, theme, name: file.replace(/\.html$/, ''), path });
    }
  }
}
if (sheet) {
  const seen = new Set();
  const first = shown.filter(({ language, name }) => language === 'en' && !seen.has(name.split('.')[0]) && !!seen.add(name.split('.')[0]));
  const figure = ({ name, path }) => `<figure><div><img src="data:image/png;base64,${readFileSync(path).toString('base64')}"></div><figcaption>${name}</figcaption></figure>`;
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1200, height: 800 });
  await page.setContent(`<style>body{margin:16px;display:grid;grid-template-columns:repeat(5,minmax(0,1fr));gap:12px;font:12px sans-serif;background:#ccd2d8;color:#111;overflow-wrap:anywhere}
    figure{margin:0}div{block-size:200px;overflow:hidden;background:#fff}img{inline-size:100%}</style>${first.map(figure).join('')}`);
  await page.screenshot({ path: join(directory, 'contact-sheet.png'), fullPage: true });
  await page.screenshot({ path: sheet, fullPage: true, type: 'jpeg', quality: 60 });
  for (const [name, state] of Object.entries(README)) {
    copyFileSync(join(directory, 'en', 'light', `${state}.png`), join(dirname(sheet), `${name}.png`));
  }
}
await browser.close();
console.log(`${shown.length} pictures in ${directory}`);
process.exit(0);
