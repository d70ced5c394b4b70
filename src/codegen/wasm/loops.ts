import { invariant } from "../../diagnostics/invariant.js";
import type { KExpr, Statement } from "../../schedule/kernel/ir.js";
import { gridVectors } from "./costs.js";
import type { Expressions } from "./expressions.js";
import { Folds } from "./folds.js";
import { i32, set } from "./instruction.js";
import { LEFT, type Loop, type Range, Rounds } from "./rounds.js";
import { LoopsWithinLanes } from "./within-lanes.js";
import type { FunctionWriter, Written } from "./writer.js";

/** Lanes have to take so much less than iterations alone. */
const LEAST_GAIN = 0.8;

/** How a loop runs; "loops in lanes": those inside it do, where they gather nothing. */
type Choice = "lanes" | "loops in lanes" | "as it is";

/** Loops: four or more iterations side by side where that pays, else one after the other. */
export class Loops {
  /** Loops in lanes are wanted only where nothing is gathered. */
  private contiguousOnly = false;
  /** What was found best for a loop, by whether gathers are allowed: it is written several times over. */
  private readonly choices = new Map<object, { contiguous?: Choice; any?: Choice }>();
  private readonly rounds: Rounds;
  private readonly folds: Folds;
  private readonly withinLanes: LoopsWithinLanes;

  constructor(
    private readonly writer: FunctionWriter,
    expressions: Expressions,
    lanes: boolean,
  ) {
    this.rounds = new Rounds(writer, expressions, lanes);
    this.folds = new Folds(writer, this.rounds);
    this.withinLanes = new LoopsWithinLanes(writer, expressions, this.rounds, this.folds, (s, body) =>
      this.inner(s, body),
    );
  }

  /** The innermost loop of a grid, whose iterations are independent. */
  innermost(range: Range, statements: readonly Statement[], body: () => void): void {
    const variable = this.writer.localOf(range.variable, "i32");
    this.better(
      statements,
      () => {
        this.writer.push(set(variable, range.lo));
        for (const n of gridVectors(statements)) this.rounds.wide(range, n, body);
        this.rounds.rest(range, body, i32(1), LEFT);
      },
      () => this.plain(range, 1, 1, body),
    );
  }

  /** A loop within a kernel's body. */
  inner(s: Loop, body: () => void): void {
    if (this.writer.vectors > 0) return this.withinLanes.write(s, body);
    const range = this.rounds.rangeOf(s);
    const plain = (): void => this.plain(range, s.step, s.direction, body);
    if (s.direction === 1 && s.step === 1) this.better(s, () => this.folds.reducing(s, range, body), plain);
    else plain();
  }

  /** One iteration after the other. */
  plain(range: Range, step: number | KExpr, direction: 1 | -1, body: () => void): void {
    this.rounds.plain(range, step, direction, body);
  }

  /**
   * A loop in lanes, or as it is: in lanes where all loads and stores are contiguous; else with such loops inside it;
   * unless lanes with loops apart take less; else in lanes if that pays all the same; else loops inside it may.
   */
  private better(loop: object, inLanes: () => void, plain: () => void): void {
    const choices = this.choices.get(loop) ?? {};
    this.choices.set(loop, choices);
    const flag = this.contiguousOnly ? "contiguous" : "any";
    const known = choices[flag];
    const wide = known === undefined || known === "lanes" ? this.writer.attempt(inLanes) : null;
    const isWide = wide !== null && wide.found.widened > 0;
    if (isWide && (known === "lanes" || (wide.found.gathers === 0 && wide.found.apart === 0))) {
      choices[flag] = "lanes";
      return this.writer.take(wide);
    }
    const strict = known === "as it is" ? null : this.strictly(plain);
    if (strict && (known === "loops in lanes" || flag === "contiguous" || strict.found.widened > 0)) {
      const isBetter =
        isWide && wide.found.gathers === 0 && wide.found.wideCost < LEAST_GAIN * strict.found.plainCost;
      choices[flag] = isBetter ? "lanes" : "loops in lanes";
      return this.writer.take(isBetter ? wide : strict);
    }
    if (isWide && wide.found.wideCost < LEAST_GAIN * wide.found.plainCost) {
      choices[flag] = "lanes";
      return this.writer.take(wide);
    }
    choices[flag] = "as it is";
    plain();
  }
  /** With such loops inside it in lanes as gather nothing. */
  private strictly(plain: () => void): Written {
    const outer = this.contiguousOnly;
    this.contiguousOnly = true;
    const strict = this.writer.attempt(plain);
    this.contiguousOnly = outer;
    invariant(strict, "plain loops can always be made");
    return strict;
  }
}
