// Which class a prompt names: labels and prompts in any script, plurals, emoji, a slip of the keyboard. Words are found by
// Intl.Segmenter (Unicode's UAX 29, a dictionary for Chinese, Japanese and Thai), English plurals by pluralize.
import { distance } from 'fastest-levenshtein';
import pluralize from 'pluralize';
import { eng } from 'stopword';

interface Token {
  /** As written, but for case, accents and emoji variants that look the same. */
  text: string;
  /** The same for singular and plural: what is compared. */
  form: string;
  /** Names nothing by itself: `a`, `of`, `with`. */
  idle: boolean;
  /** Counts up at punctuation. */
  sentence: number;
  /** Counts up at punctuation and idle words: `a coat | with a bag`. */
  phrase: number;
}

/** A label, or one of the alternatives in it (`T-shirt/top`). */
interface Name {
  index: number;
  tokens: readonly Token[];
  joined: string;
  written: string;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
const idleWords = new Set(eng);

/** `Café` and `cafe`, ❤️ and ❤, 7️⃣ and 7 are one text. Marks of other scripts are letters of their own and stay. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/(?<=[\p{Script=Latin}\p{Script=Greek}])\p{Mn}+/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\ufe0e\ufe0f\u20e3]/g, '')
    .trim();
}

/** Singular and plural, with and without a particle, a diminutive or a skin tone: one form. */
function formOf(word: string): string {
  if (/^\p{Script=Latin}/u.test(word)) {
    const bare = word.replace(/['’]s?$/, '');
    return bare.length > 2 ? pluralize.singular(bare) : bare;
  }
  return (
    word
      .replace(/\p{Emoji_Modifier}/gu, '')
      // 小猫, 子猫 and 猫咪 are cats, 帽子 is a 帽.
      .replace(/^[小大老子幼](?=\p{Script=Han})/u, '')
      .replace(/(?<=\p{Script=Han})[子儿咪]$/u, '')
      // Particles that Korean writes to the noun; the second kind also ends nouns, so more than a syllable must be left.
      .replace(/(?<=\p{Script=Hangul})[를을는은]$/u, '')
      .replace(/(?<=\p{Script=Hangul}{2})[이가의와과도들]+$/u, '')
  );
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let sentence = 0;
  let phrase = 0;
  for (const { segment, isWordLike } of segmenter.segment(fold(text).replaceAll('_', ' '))) {
    const symbol = /[\p{S}\p{Extended_Pictographic}]/u.test(segment) && !/^\p{ASCII}+$/u.test(segment);
    if (isWordLike || symbol) {
      const idle = idleWords.has(segment);
      if (idle) phrase++;
      tokens.push({ text: segment, form: idle ? segment : formOf(segment), idle, sentence, phrase });
      if (idle) phrase++;
    } else if (!/^[\s\p{Dash}]+$/u.test(segment)) {
      sentence++;
      phrase++;
    }
  }
  return tokens;
}

const joined = (tokens: readonly Token[], key: 'form' | 'text') => tokens.map((token) => token[key]).join('');

const known = new WeakMap<readonly string[], readonly Name[]>();

function namesOf(labels: readonly string[]): readonly Name[] {
  let names = known.get(labels);
  if (names === undefined) {
    names = labels.flatMap((label, index) =>
      [...new Set([label, ...label.split(/[/,;|()]/)])]
        .map((name) => tokensOf(name))
        // What has neither words nor symbols is found by being written out, and by nothing else.
        .filter((tokens) => tokens.length > 0)
        .map((tokens) => ({ index, tokens, joined: joined(tokens, 'form'), written: joined(tokens, 'text') })),
    );
    known.set(labels, names);
  }
  return names;
}

/** What comes first by `rank` (larger is better, number by number); undefined for none, or several labels that tie. */
function best<T extends { index: number }>(found: readonly T[], rank: (one: T) => readonly number[]): T | undefined {
  const ranked = found.map((one) => ({ one, rank: rank(one) }));
  const compare = (a: readonly number[], b: readonly number[]) =>
    a.map((value, i) => value - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
  ranked.sort((a, b) => compare(b.rank, a.rank));
  const [first] = ranked;
  if (first === undefined) return undefined;
  const tie = ranked.some(({ one, rank }) => one.index !== first.one.index && compare(rank, first.rank) === 0);
  return tie ? undefined : first.one;
}

/** Names written in the prompt, also as one word or as several: `ankleboots`, `t shirt`, 运动鞋. The longest, then the first. */
function written(names: readonly Name[], said: readonly Token[]): number | undefined {
  const longest = Math.max(...names.map((name) => name.joined.length));
  const runs = new Map<string, { tokens: readonly Token[]; last: boolean }[]>();
  for (let start = 0; start < said.length; start++) {
    for (let end = start + 1; end <= said.length && said[end - 1]?.sentence === said[start]?.sentence; end++) {
      const tokens = said.slice(start, end);
      const key = joined(tokens, 'form');
      if (key.length > longest) break;
      runs.set(key, [...(runs.get(key) ?? []), { tokens, last: end === said.length }]);
    }
  }
  const found = names.flatMap((name) =>
    (runs.get(name.joined) ?? [])
      // The class `A` is not meant by `a dog`, but by `the letter A`.
      .filter(({ tokens, last }) => last || tokens.some(({ idle }) => !idle))
      .map(({ tokens }) => ({ index: name.index, tokens, exact: joined(tokens, 'text') === name.written })),
  );
  return best(found, ({ tokens, exact }) => [
    tokens.length,
    Number(exact),
    -(tokens[0]?.phrase ?? 0),
    said.indexOf(tokens[0] as Token),
  ])?.index;
}

/** Names of several words that are all in the prompt, wherever. */
function scattered(names: readonly Name[], said: readonly Token[]): number | undefined {
  const forms = new Set(said.map(({ form }) => form));
  const found = names.filter(
    ({ tokens }) =>
      tokens.length > 1 && tokens.some(({ idle }) => !idle) && tokens.every(({ form }) => forms.has(form)),
  );
  return best(found, ({ tokens }) => [tokens.length])?.index;
}

/**
 * A word that one label alone has, where it ends a phrase: in `a white house` white tells of the house, and is no `white-cat`.
 * What the label has in the plural is a thing wherever it stands: `a smiley face` is of `smileys-emotion`.
 */
function inPart(names: readonly Name[], said: readonly Token[]): number | undefined {
  for (const [i, { form, idle, phrase }] of said.entries()) {
    if (idle) continue;
    const having = names.flatMap(({ index, tokens }) =>
      tokens.filter((token) => token.form === form).map(({ text }) => ({ index, thing: text !== form })),
    );
    const [first] = having;
    const ends = said[i + 1]?.phrase !== phrase;
    if (first !== undefined && having.every(({ index }) => index === first.index) && (ends || first.thing))
      return first.index;
  }
  return undefined;
}

/** Fewer letters are a word of their own too often: `boat` is no slip for `goat`. */
const SHORTEST_SLIP = 6;

/** Names misspelt by a letter, from ten letters on by two; the first letter is right. */
function misspelt(names: readonly Name[], said: readonly Token[]): number | undefined {
  const isWords = (text: string) => /^[\p{L}\p{M}]+$/u.test(text);
  const found = names.flatMap((name) => {
    if (!isWords(name.joined)) return [];
    return said.flatMap((_, start) => {
      const got = joined(said.slice(start, start + name.tokens.length), 'form');
      const length = Math.max(got.length, name.joined.length);
      const allowed = length >= 10 ? 2 : 1;
      if (length < SHORTEST_SLIP || got[0] !== name.joined[0] || !isWords(got)) return [];
      if (Math.abs(got.length - name.joined.length) > allowed) return [];
      const errors = distance(got, name.joined);
      return errors <= allowed ? [{ index: name.index, errors }] : [];
    });
  });
  return best(found, ({ errors }) => [-errors])?.index;
}

/**
 * The index of the label that a prompt names, undefined if it names none, or several alike. In turn: the label written out;
 * a label's words side by side in the prompt, the longest label first; its words anywhere; a word that no other label has;
 * a label misspelt by a letter or two.
 */
export function labelInPrompt(labels: readonly string[], prompt: string): number | undefined {
  const whole = prompt.trim();
  const same = [labels.indexOf(whole), labels.findIndex((label) => fold(label) === fold(whole))].find((i) => i >= 0);
  if (same !== undefined) return same;
  const said = tokensOf(whole);
  const names = namesOf(labels);
  if (said.length === 0 || names.length === 0) return undefined;
  return written(names, said) ?? scattered(names, said) ?? inPart(names, said) ?? misspelt(names, said);
}
