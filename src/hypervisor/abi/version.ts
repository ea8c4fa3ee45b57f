/** xen_version's operations (public/version.h) and the bits of its feature map (public/features.h). */

export const VersionOp = {
  version: 0,
  extraversion: 1,
  compile_info: 2,
  capabilities: 3,
  changeset: 4,
  platform_parameters: 5,
  get_features: 6,
  pagesize: 7,
  guest_handle: 8,
  commandline: 9,
  build_id: 10,
} as const;

export const EXTRAVERSION_BYTES = 16;
export const CAPABILITIES_BYTES = 1024;
export const CHANGESET_BYTES = 64;
/** xen_compile_info: four strings. */
export const CompileInfo = { compiler: 0, compileBy: 64, compileDomain: 80, compileDate: 112, size: 144 } as const;

export const FeatureInfo = { submap: 0, features: 4, size: 8 } as const;
export const Feature = {
  writablePageTables: 1 << 0,
  autoTranslatedPhysmap: 1 << 2,
  dom0: 1 << 11,
  memoryOpVnode: 1 << 13,
  armSmccc: 1 << 14,
  notDirectMapped: 1 << 16,
} as const;
