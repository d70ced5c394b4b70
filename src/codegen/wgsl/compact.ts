import { isReserved } from "./words.js";

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\s+|([\p{XID_Start}_][\p{XID_Continue}]*)|(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[iufh]?|[-+*/%&|^<>=!]=|&&|\|\||<<|>>|\+\+|--|->|./gu;
const DECLARED =
  /\b(?:let|var(?:<[^>]*>)?|const|override|fn)\s+([\p{XID_Start}_][\p{XID_Continue}]*)|[(,]\s*(?:@\w+(?:\([^)]*\))?\s*)*([\p{XID_Start}_][\p{XID_Continue}]*)\s*:/gu;

/**
 * A shader without its layout and comments, what it declares under short names: the same words to a compiler in half the
 * bytes, for modules that nobody reads.
 */
export function compactWgsl(code: string): string {
  const declared = new Set(
    [...code.matchAll(DECLARED)].map(([, name = "", parameter = ""]) => name || parameter),
  );
  declared.delete("main");
  const tokens = [...code.matchAll(TOKEN)].flatMap(([text, word]) =>
    /^(?:\s|\/[/*])/.test(text) ? [] : [{ text, word: word !== undefined }],
  );
  const kept = new Set(tokens.flatMap(({ text, word }) => (word && !declared.has(text) ? [text] : [])));
  const names = new Map<string, string>();
  let count = 0;
  const short = (name: string): string => {
    let given = names.get(name);
    while (given === undefined) {
      const next = letters(count++);
      if (!isReserved(next) && !kept.has(next)) given = next;
    }
    names.set(name, given);
    return given;
  };
  let out = "";
  for (const [k, { text, word }] of tokens.entries()) {
    const isMember = tokens[k - 1]?.text === ".";
    const next = word && declared.has(text) && !isMember ? short(text) : text;
    // Two words, or two operators that would read as another one, stand apart.
    const apart = /[\w]$/u.test(out) ? /^[\w]/u : /[-+*/%&|^<>=!]$/.test(out) ? /^[-+*/%&|^<>=!]/ : /$^/;
    out += (apart.test(next) ? " " : "") + next;
  }
  return out;
}

/** a, b, … z, A, … Z, aa, … */
function letters(n: number): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const rest = Math.floor(n / alphabet.length);
  return (rest ? letters(rest - 1) : "") + alphabet.charAt(n % alphabet.length);
}
