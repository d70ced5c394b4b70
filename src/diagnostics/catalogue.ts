/**
 * Every diagnostic: its wording and its page. Families: 1 syntax, 2 names and indices, 3 sizes and types,
 * 4 derivatives, 5 code generation and limits, 6 data.
 */
interface Entry {
  readonly message: (args: never) => string;
  readonly page: string;
  readonly severity?: "warning";
}
type Text = { text: string };
type Name = { name: string };
type Pair = { left: string; right: string };

export const CATALOGUE = {
  GRAD1001: { message: ({ found, expected }: { found: string; expected: string }) => `expected ${expected}, found ${found}`, page: "The text does not follow the grammar here. Checking goes on with the next statement." },
  GRAD1002: { message: ({ text }: Text) => `unexpected character ${text}`, page: "This character has no meaning in the language." },
  GRAD1003: { message: ({ limit }: { limit: number }) => `brackets and operators nest deeper than ${limit}`, page: "Give the inner parts names of their own." },
  GRAD1004: { message: (_: object) => "comparisons do not chain", page: "Write `a < b and b < c`." },
  GRAD1005: { message: (_: object) => "a comment that begins with /* is never closed", page: "Add the closing */." },
  GRAD1006: { message: ({ name }: Name) => `what \`${name}\` applies to needs brackets`, page: "An axis operator takes one factor: write softmax[c] (a * b), or (softmax[c] a) * b." },
  GRAD2001: { message: ({ kind, name }: { kind: string; name: string }) => `there is no ${kind} \`${name}\``, page: "The name is not declared in this file, its scope or its imports." },
  GRAD2002: { message: ({ name }: Name) => `\`${name}\` is defined twice`, page: "One scope has one definition for each name." },
  GRAD2003: { message: ({ name }: Name) => `\`${name}\` is reserved`, page: "Reducers, axis operators and scalar functions cannot be declared again." },
  GRAD2004: { message: ({ name }: Name) => `index \`${name}\` is bound by no reducer`, page: "Nothing reduces by itself: an index on the right is bound on the left or by a reducer such as sum[i]." },
  GRAD2005: { message: ({ name }: Name) => `nothing says over which range \`${name}\` runs`, page: "Use the index alone as a subscript somewhere, or write its range: sum[p in 0..3]." },
  GRAD2006: { message: ({ name }: Name) => `index \`${name}\` is bound already`, page: "A reducer's index may not repeat one that is bound around it in the same list." },
  GRAD2007: { message: ({ names }: { names: string }) => `these equations define each other in a circle: ${names}`, page: "Only a `rec` block may refer to earlier entries of what it defines." },
  GRAD2008: { message: ({ name }: Name) => `\`${name}\` is a function; call it`, page: "A function's name stands for a value only as an argument of a function type." },
  GRAD2009: { message: ({ name }: Name) => `\`${name}\` calls itself`, page: "Calls are resolved when compiling, so recursion is an error. Use `rec`." },
  GRAD2010: { message: ({ specifier }: { specifier: string }) => `cannot find \`${specifier}\` to import`, page: "Imports name a file of the project or a library file such as std/ode." },
  GRAD2011: { message: ({ name }: Name) => `\`${name}\` is never used`, page: "A value that nothing reads is not computed.", severity: "warning" },
  GRAD3001: { message: ({ name, index, sizes }: { name: string; index: string; sizes: string }) => `index \`${index}\` of ${name} has two sizes: ${sizes}`, page: "All axes that one index subscripts must have the same size, as expressions." },
  GRAD3002: { message: ({ name, rank, given }: { name: string; rank: number; given: number }) => `\`${name}\` has ${rank} ${rank === 1 ? "axis" : "axes"} but is subscripted with ${given}`, page: "A full read gives each axis a subscript; fewer leave a tensor, more are an error." },
  GRAD3003: { message: ({ left, right }: Pair) => `types do not match: ${left} and ${right}`, page: "Convert explicitly: f32(k), i32(x)." },
  GRAD3004: { message: ({ left, right }: Pair) => `shapes do not match: ${left} and ${right}`, page: "Tensor-level arithmetic wants equal shapes, or a scalar on one side; everything else is said with indices." },
  GRAD3005: { message: ({ text }: Text) => `subscript ${text} leaves its axis`, page: "Shrink the range, write `?? 0` for a padding value, or clamp(i, 0, N - 1)." },
  GRAD3006: { message: ({ wanted, found }: { wanted: string; found: string }) => `expected ${wanted}, found ${found}`, page: "The expression has another type or shape than its place asks for." },
  GRAD3007: { message: ({ name, wanted, given }: { name: string; wanted: string; given: number }) => `\`${name}\` takes ${wanted} arguments, not ${given}`, page: "See docs/functions.md for each function's arguments." },
  GRAD3008: { message: ({ text }: Text) => `${text} is not a size`, page: "A size is an integer expression in dims and literals." },
  GRAD3009: { message: ({ name, shape }: { name: string; shape: string }) => `loss \`${name}\` is not a scalar but ${shape}`, page: "Reduce it: mean[b] …" },
  GRAD3010: { message: ({ name }: Name) => `there is no type \`${name}\``, page: "Types are f32, f64, f16, i32, u32 and bool." },
  GRAD4001: { message: ({ text }: Text) => text, page: "This derivative cannot be taken." },
  GRAD4002: { message: ({ loss, name }: { loss: string; name: string }) => `\`${loss}\` does not depend on \`${name}\`: its gradient is 0`, page: "A param that the loss does not reach stays as it is.", severity: "warning" },
  GRAD5001: { message: ({ text }: Text) => `not supported yet: ${text}`, page: "The language has this; this version of the compiler does not." },
  GRAD5002: { message: ({ engine, dtype }: { engine: string; dtype: string }) => `${engine} has no ${dtype}`, page: "Choose another engine or precision." },
} as const satisfies Record<string, Entry>;

export type Code = keyof typeof CATALOGUE;
