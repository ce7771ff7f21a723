//! A view whose script is loaded when it is first opened.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Notice } from "./button";

export function lazyView(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | null = null;
  return function Lazy() {
    const [View, setView] = useState<ComponentType | null>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then((made) => {
        loaded = made;
        setView(() => made);
      }, () => setFailed(true));
    }, []);
    if (View) return <View />;
    if (failed) return <Notice icon="alert" title="This view could not be loaded" tone="problem">Check your connection and load the page again.</Notice>;
    return <div class="loading" role="status"><span class="spinner" />Loading…</div>;
  };
}
