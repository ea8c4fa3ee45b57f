/** Where Xen 4.17 puts things in an Arm guest's physical address space (xen/include/public/arch-arm.h). */
export const GuestLayout = {
  gicv3Distributor: 0x0300_1000,
  gicv3DistributorSize: 0x1_0000,
  gicv3Redistributors: 0x0302_0000,
  gicv3RedistributorsSize: 0x100_0000,
  gicv2Distributor: 0x0300_1000,
  gicv2DistributorSize: 0x1000,
  gicv2CpuInterface: 0x0300_2000,
  gicv2CpuInterfaceSize: 0x2000,
  /** The emulated PL011 of `vuart` (dom0less calls it vpl011) and its SPI. */
  vuart: 0x2200_0000,
  vuartSize: 0x1000,
  vuartSpi: 0,
  grantTable: 0x3800_0000,
  grantTableSize: 0x100_0000,
  magicBase: 0x3900_0000,
  ramBase: 0x4000_0000,
  ramBank0Size: 0xc000_0000,
  ramBank1Base: 0x2_0000_0000,
  ramBank1Size: 0xfe_0000_0000,
  /** Phandle of the interrupt controller. */
  gicPhandle: 0xfde8,
} as const;
