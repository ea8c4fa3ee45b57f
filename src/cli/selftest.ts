export const selftest = async (_args: string[]): Promise<number> => 1;
