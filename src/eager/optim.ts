import { zerosLike } from "./create.js";
import { kindOf } from "./dtype.js";
import { EagerError } from "./errors.js";
import { sameShape, showShape } from "./shape.js";
import { noGrad } from "./tape.js";
import { Tensor } from "./tensor.js";

/** Params that share settings; what is left out is the optimizer's own. */
export type ParamGroup<S> = { readonly params: readonly Tensor[] | Tensor } & Partial<S>;
interface Common {
  /** The rate of learning. */
  lr: number;
  weightDecay: number;
  /** Go up the gradient. */
  maximize: boolean;
}
/** What settings may be, by name; others are numbers. */
const RANGES: Readonly<Record<string, readonly [says: string, holds: (value: unknown) => boolean]>> = {
  betas: [
    "two numbers from 0 and below 1",
    (v) => Array.isArray(v) && v.length === 2 && v.every((b) => b >= 0 && b < 1),
  ],
  ...Object.fromEntries(
    ["lr", "weightDecay", "momentum", "alpha", "eps"].map((name) => [
      name,
      ["a number from 0", (v: unknown) => typeof v === "number" && v >= 0],
    ]),
  ),
  ...Object.fromEntries(
    ["nesterov", "maximize", "amsgrad", "centered"].map((name) => [
      name,
      ["true or false", (v: unknown) => typeof v === "boolean"],
    ]),
  ),
};
function checkSettings(settings: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const name of Object.keys(settings))
    if (!known.includes(name))
      throw new EagerError(`there is no setting \`${name}\` here; there are ${known.join(", ")}`);
  for (const name of known) {
    const value = settings[name];
    const [says, holds] = RANGES[name] ?? ["a number", (v: unknown) => typeof v === "number"];
    if (!holds(value)) throw new EagerError(`\`${name}\` is ${says}, not ${String(value)}`);
  }
}

/** What an optimizer remembers of one param. */
type Slots = Record<string, Tensor | number>;
export interface OptimizerState {
  /** By the param's position in all groups. */
  readonly state: Readonly<Record<number, Readonly<Record<string, Tensor | number>>>>;
  readonly groups: readonly Readonly<Record<string, unknown>>[];
}

/** Changes params in place by their `grad`; those without one stay as they are. */
export abstract class Optimizer<S extends Common> {
  /** Settings may be changed between steps, as schedules of the rate do. */
  readonly groups: (S & { params: readonly Tensor[] })[];
  private readonly slots = new Map<Tensor, Slots>();

  /** @throws EagerError where params are none, no leaves or given twice, or a setting is unknown or out of its range */
  constructor(
    params: readonly Tensor[] | readonly ParamGroup<S>[],
    settings: S,
    known: readonly string[] = Object.keys(settings),
  ) {
    if (!Array.isArray(params)) throw new EagerError("an optimizer takes a list of tensors, or of groups");
    const groups = params.map((p) => ("shape" in p ? null : p)).filter((g) => g !== null);
    const lone = params.filter((p): p is Tensor => "shape" in p);
    if (groups.length && lone.length)
      throw new EagerError("an optimizer takes a list of tensors, or of groups, not both");
    this.groups = (groups.length ? groups : [{ params: lone }]).map((g) => ({
      ...settings,
      ...g,
      params: "shape" in g.params ? [g.params] : g.params,
    }));
    const all = this.params;
    if (!all.length) throw new EagerError("an optimizer of no params");
    if (new Set(all).size !== all.length) throw new EagerError("a param is given to the optimizer twice");
    for (const { params: _, ...group } of this.groups) checkSettings(group, known);
    for (const p of all)
      if (!p.isLeafRequiringGrad)
        throw new EagerError("an optimizer's params are leaves that require gradients");
  }
  private get params(): readonly Tensor[] {
    return this.groups.flatMap((g) => g.params);
  }

  /** One param's change: `gradient` has its weight decay in where `decays` adds one. */
  protected abstract update(param: Tensor, gradient: Tensor, slots: Slots, settings: S): void;
  /** Whether weight decay is added to the gradient. */
  protected readonly decays: boolean = true;

  step(): void {
    noGrad(() => {
      for (const group of this.groups)
        for (const param of group.params) {
          if (!param.grad) continue;
          const slots = this.slots.get(param) ?? {};
          this.slots.set(param, slots);
          const decay = this.decays && group.weightDecay !== 0;
          const gradient = group.maximize ? param.grad.neg() : param.grad;
          this.update(param, decay ? gradient.add(param.mul(group.weightDecay)) : gradient, slots, group);
        }
    });
  }
  zeroGrad(): void {
    for (const param of this.params) param.zeroGrad();
  }
  /** Copies of what is remembered. */
  stateDict(): OptimizerState {
    const state: Record<number, Slots> = {};
    this.params.forEach((param, k) => {
      const slots = this.slots.get(param);
      if (slots) state[k] = copied(slots);
    });
    return { state, groups: this.groups.map(({ params: _, ...settings }) => settings) };
  }
  /** @throws EagerError where the number of groups or a param's shape differs, and nothing has changed */
  loadStateDict({ state, groups }: OptimizerState): void {
    if (!Array.isArray(groups) || typeof state !== "object")
      throw new EagerError("an optimizer's state has `state` and `groups`, as stateDict() gives them");
    if (groups.length !== this.groups.length)
      throw new EagerError(`a state of ${groups.length} groups for an optimizer of ${this.groups.length}`);
    const { params } = this;
    for (const [k, slots] of Object.entries(state))
      for (const [name, value] of Object.entries(slots)) {
        const shape = params[Number(k)]?.shape;
        if (!shape) throw new EagerError(`a state of param ${k} for an optimizer of ${params.length} params`);
        if (typeof value !== "number" && !(value instanceof Tensor && sameShape(value.shape, shape)))
          throw new EagerError(
            `\`${name}\` of param ${k} is ${value instanceof Tensor ? `of shape ${showShape(value.shape)}` : kindOf(value)}, ` +
              `and the param of shape ${showShape(shape)}`,
          );
      }
    groups.forEach((settings, k) => Object.assign(this.groups[k]!, settings));
    this.slots.clear();
    this.params.forEach((param, k) => {
      const slots = state[k];
      if (slots) this.slots.set(param, copied(slots));
    });
  }
}
function copied(slots: Readonly<Slots>): Slots {
  return Object.fromEntries(
    Object.entries(slots).map(([name, value]) => [
      name,
      typeof value === "number" ? value : value.detach().clone(),
    ]),
  );
}
/** A slot's tensor, zeros at first. */
function tensorSlot(slots: Slots, name: string, like: Tensor): Tensor {
  const found = slots[name];
  if (typeof found === "object") return found;
  const made = zerosLike(like);
  slots[name] = made;
  return made;
}
const counted = (slots: Slots): number => {
  const step = Number(slots["step"] ?? 0) + 1;
  slots["step"] = step;
  return step;
};

export interface SGDSettings extends Common {
  momentum: number;
  dampening: number;
  nesterov: boolean;
}
const SGD_DEFAULTS = { weightDecay: 0, maximize: false, momentum: 0, dampening: 0, nesterov: false };
/** Stochastic gradient descent, with momentum b ← momentum b + (1 - dampening) g, the first b being g. */
export class SGD extends Optimizer<SGDSettings> {
  constructor(
    params: readonly Tensor[] | readonly ParamGroup<SGDSettings>[],
    settings: Partial<SGDSettings> & { lr: number },
  ) {
    super(params, { ...SGD_DEFAULTS, ...settings }, ["lr", ...Object.keys(SGD_DEFAULTS)]);
    for (const { nesterov, momentum, dampening } of this.groups)
      if (nesterov && (momentum === 0 || dampening !== 0))
        throw new EagerError("Nesterov's momentum needs a momentum, and no dampening");
  }
  protected update(param: Tensor, gradient: Tensor, slots: Slots, s: SGDSettings): void {
    let direction = gradient;
    if (s.momentum !== 0) {
      const before = slots["momentum"];
      const buffer =
        typeof before === "object"
          ? before.mul(s.momentum).add(gradient.mul(1 - s.dampening))
          : gradient.detach().clone();
      slots["momentum"] = buffer;
      direction = s.nesterov ? gradient.add(buffer.mul(s.momentum)) : buffer;
    }
    param.sub_(direction.mul(s.lr));
  }
}

export interface AdamSettings extends Common {
  betas: readonly [number, number];
  eps: number;
  /** Divide by the greatest mean of squares so far: Reddi, Kale and Kumar, On the Convergence of Adam and Beyond (2018). */
  amsgrad: boolean;
}
const ADAM_DEFAULTS: AdamSettings = {
  lr: 1e-3,
  weightDecay: 0,
  maximize: false,
  betas: [0.9, 0.999],
  eps: 1e-8,
  amsgrad: false,
};
/** Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1. */
export class Adam extends Optimizer<AdamSettings> {
  constructor(
    params: readonly Tensor[] | readonly ParamGroup<AdamSettings>[],
    settings: Partial<AdamSettings> = {},
  ) {
    super(params, { ...ADAM_DEFAULTS, ...settings }, Object.keys(ADAM_DEFAULTS));
  }
  protected update(
    param: Tensor,
    gradient: Tensor,
    slots: Slots,
    { lr, betas: [b1, b2], eps, amsgrad }: AdamSettings,
  ): void {
    const step = counted(slots);
    const m = tensorSlot(slots, "m", param)
      .mul_(b1)
      .add_(gradient.mul(1 - b1));
    const v = tensorSlot(slots, "v", param)
      .mul_(b2)
      .add_(gradient.mul(gradient).mul(1 - b2));
    let square = v;
    if (amsgrad) {
      const most = tensorSlot(slots, "vMax", param);
      square = most.copy_(most.maximum(v));
    }
    const scale = square
      .div(1 - b2 ** step)
      .sqrt()
      .add(eps);
    param.sub_(m.div(scale).mul(lr / (1 - b1 ** step)));
  }
}
/** Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019): the decay shrinks params, not through Adam. */
export class AdamW extends Adam {
  protected override readonly decays = false;
  constructor(
    params: readonly Tensor[] | readonly ParamGroup<AdamSettings>[],
    settings: Partial<AdamSettings> = {},
  ) {
    super(params, { weightDecay: 0.01, ...settings });
  }
  protected override update(param: Tensor, gradient: Tensor, slots: Slots, settings: AdamSettings): void {
    param.mul_(1 - settings.lr * settings.weightDecay);
    super.update(param, gradient, slots, settings);
  }
}

export interface RMSpropSettings extends Common {
  alpha: number;
  eps: number;
  momentum: number;
  centered: boolean;
}
const RMSPROP_DEFAULTS: RMSpropSettings = {
  lr: 1e-2,
  weightDecay: 0,
  maximize: false,
  alpha: 0.99,
  eps: 1e-8,
  momentum: 0,
  centered: false,
};
/** Tieleman and Hinton, lecture 6.5 (2012): steps over the root of a running mean of squares. */
export class RMSprop extends Optimizer<RMSpropSettings> {
  constructor(
    params: readonly Tensor[] | readonly ParamGroup<RMSpropSettings>[],
    settings: Partial<RMSpropSettings> = {},
  ) {
    super(params, { ...RMSPROP_DEFAULTS, ...settings }, Object.keys(RMSPROP_DEFAULTS));
  }
  protected update(param: Tensor, gradient: Tensor, slots: Slots, s: RMSpropSettings): void {
    let mean = tensorSlot(slots, "square", param)
      .mul_(s.alpha)
      .add_(gradient.mul(gradient).mul(1 - s.alpha));
    if (s.centered) {
      const average = tensorSlot(slots, "average", param)
        .mul_(s.alpha)
        .add_(gradient.mul(1 - s.alpha));
      mean = mean.sub(average.mul(average));
    }
    let direction = gradient.div(mean.sqrt().add(s.eps));
    if (s.momentum !== 0) direction = tensorSlot(slots, "momentum", param).mul_(s.momentum).add_(direction);
    param.sub_(direction.mul(s.lr));
  }
}
