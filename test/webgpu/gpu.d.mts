export function openGpu(): Promise<GPU>;
export function request(): Promise<unknown>;
export function answer(value: unknown): Promise<never>;
export function openDevice(): Promise<{ gpu: GPU; adapter: GPUAdapter; device: GPUDevice }>;
