// Installing the page as an app, where the browser offers it.

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

let offer: InstallPrompt | undefined;

export function listenForInstall(onChange: () => void): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault(); // the page has its own button
    offer = event as InstallPrompt;
    onChange();
  });
  addEventListener('appinstalled', () => {
    offer = undefined;
    onChange();
  });
}

export function canInstall(): boolean {
  return offer !== undefined;
}

export async function install(): Promise<void> {
  await offer?.prompt();
  offer = undefined;
}

export function isStandalone(): boolean {
  // The second is Safari's, older than the first.
  const { standalone } = navigator as { standalone?: boolean };
  return standalone === true || matchMedia('(display-mode: standalone), (display-mode: fullscreen)').matches;
}

export function isAppleTouch(): boolean {
  return (
    /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Mac/.test(navigator.platform) && navigator.maxTouchPoints > 1)
  );
}
