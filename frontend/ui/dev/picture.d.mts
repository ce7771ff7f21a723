//! The types of `picture.mjs`, for the tests.

export function png(width: number, height: number, pixel: (x: number, y: number) => number[]): Buffer;
