//! The icons: strokes on a grid of 20, coloured by the text. They say nothing to a screen reader; their buttons do.

const PATHS = {
  upload: "M10 13V4m0 0L6.5 7.5M10 4l3.5 3.5M4 13.5V15a1.5 1.5 0 0 0 1.5 1.5h9A1.5 1.5 0 0 0 16 15v-1.5",
  download: "M10 4v9m0 0 3.5-3.5M10 13 6.5 9.5M4 13.5V15a1.5 1.5 0 0 0 1.5 1.5h9A1.5 1.5 0 0 0 16 15v-1.5",
  plus: "M10 4.5v11M4.5 10h11",
  minus: "M4.5 10h11",
  close: "m5.5 5.5 9 9m0-9-9 9",
  up: "M10 15.5v-11m0 0L5.5 9M10 4.5 14.5 9",
  down: "M10 4.5v11m0 0L5.5 11M10 15.5l4.5-4.5",
  grip: "M7.5 5h.01M12.5 5h.01M7.5 10h.01M12.5 10h.01M7.5 15h.01M12.5 15h.01",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2l-.8.8m1.2 3a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2l.8-.8",
  copy: "M7 7V5.5A1.5 1.5 0 0 1 8.5 4h6A1.5 1.5 0 0 1 16 5.5v6a1.5 1.5 0 0 1-1.5 1.5H13M5.5 7h6A1.5 1.5 0 0 1 13 8.5v6a1.5 1.5 0 0 1-1.5 1.5h-6A1.5 1.5 0 0 1 4 14.5v-6A1.5 1.5 0 0 1 5.5 7Z",
  fit: "M4 7.5V4h3.5M16 7.5V4h-3.5M4 12.5V16h3.5M16 12.5V16h-3.5",
  loupe: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Zm4-1.5 4 4",
  pause: "M7.5 5v10M12.5 5v10",
  play: "M7 4.8v10.4L15 10 7 4.8Z",
  retry: "M15.5 10a5.5 5.5 0 1 1-1.7-4M15.5 3.5V6.5h-3",
  bin: "M4.5 6h11M8 6V4.5h4V6m-6 0 .6 9.5h6.8L14 6M8.7 9v4m2.6-4v4",
  help: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm-2-8.7a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1v.4m0 2h.01",
  bucket: "M3.5 6 5 15.5h10L16.5 6m-13 0c0 1.1 2.9 2 6.5 2s6.5-.9 6.5-2-2.9-2-6.5-2-6.5.9-6.5 2Z",
  code: "m7 6-4 4 4 4m6-8 4 4-4 4",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  alert: "M10 3.5 17 16H3L10 3.5Zm0 4.5v3.5m0 2h.01",
  left: "m11.5 5-5 5 5 5",
  right: "m8.5 5 5 5-5 5",
  folder: "M3 6.5A1.5 1.5 0 0 1 4.5 5h3L9 6.5h6.5A1.5 1.5 0 0 1 17 8v6a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 14V6.5Z",
  image: "M4.5 4h11A1.5 1.5 0 0 1 17 5.5v9a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 14.5v-9A1.5 1.5 0 0 1 4.5 4ZM3 13l4-4 4 4 2-2 4 4M13 8h.01",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm0-11v4l2.5 2",
};

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
