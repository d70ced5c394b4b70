import { Names } from "../names.js";

/** Keywords, reserved words (WGSL section 15) and the predeclared names that generated code calls. */
const RESERVED = new Set(
  (
    "alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop " +
    "override requires return struct switch true var while " +
    "NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class " +
    "co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval " +
    "constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends " +
    "extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import " +
    "inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable namespace new nil " +
    "noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset " +
    "params pass patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless register " +
    "reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std " +
    "subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless unorm " +
    "unsafe unsized use using varying virtual volatile wgsl where with writeonly yield " +
    "array atomic bool f16 f32 i32 ptr u32 vec2 vec2f vec2u vec3 vec3u vec4 function private read read_write storage uniform " +
    "workgroup write main " +
    "abs acos asin atan atan2 bitcast ceil clamp cos cosh cross degrees dot exp exp2 floor fma fract inverseSqrt length log " +
    "log2 max min mix modf normalize pow radians round select sign sin sinh smoothstep sqrt step tan tanh transpose trunc"
  ).split(" "),
);
export const isReserved = (identifier: string): boolean => RESERVED.has(identifier);
export const wgslNames = (): Names => new Names(isReserved);
