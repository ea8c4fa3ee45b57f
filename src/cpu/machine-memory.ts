/**
 * Machine memory: one shared WebAssembly.Memory seen through typed arrays. Indices are machine addresses divided by the
 * element's size; addresses are unsigned.
 */
export class MachineMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly view: DataView;
  /** Size in bytes. */
  readonly size: number;

  constructor(memory: WebAssembly.Memory) {
    const buffer = memory.buffer;
    this.memory = memory;
    this.size = buffer.byteLength;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
  }
}
