// Every page in every state and language, as `vestibule check --pages` writes them; of those that VESTIBULE_PAGES_ONLY names, a regular expression.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { given } from './support.mjs';

/** Calls `use` with `{directory, all, pages}`, where pages are `[language, file]`: all of them, and those that are wanted. Leaves nothing behind. */
export async function written(use) {
  const directory = mkdtempSync(join(tmpdir(), 'vestibule-pages-'));
  try {
    execFileSync(given.vestibule, ['check', '--quiet', '--pages', directory], { stdio: 'ignore' });
    const languages = readdirSync(directory).filter((name) => name !== 'assets');
    const all = languages.flatMap((language) => readdirSync(join(directory, language)).map((file) => [language, file]));
    const wanted = new RegExp(process.env.VESTIBULE_PAGES_ONLY ?? '');
    const pages = all.filter(([, file]) => wanted.test(file));
    if (languages.length < 6 || !pages.length) throw new Error('there are no pages');
    return await use({ directory, all, pages });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The text of a page. */
export const text = (directory, language, file) => readFileSync(join(directory, language, file), 'utf8');
