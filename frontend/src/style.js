export const sheet = `
:host { display: block; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
  --accent: var(--task-status-accent, light-dark(#2457c5, #8fb4ff));
  --bad: var(--task-status-bad, light-dark(#a4161a, #ffa3a3)) }
:host([hidden]), [part]:empty:not([part=fill]), [hidden] { display: none }
[part=head] { display: flex; gap: .5em; justify-content: space-between; font-weight: bold }
[part=bar] { block-size: var(--task-status-height, .75em); margin-block: .25em; border: 1px solid;
  border-radius: 1em; overflow: hidden }
[part=fill] { block-size: 100%; background: var(--accent); transition: inline-size .2s }
[part=error] { color: var(--bad) }
[part=error], li { unicode-bidi: plaintext }
:host([data-state=FAILURE]) [part=fill] { background: var(--bad) }
[part=lines] { max-block-size: 12em; overflow: auto; margin: 0; padding: 0; list-style: none }
[part=live] { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%) }
.busy [part=fill] { inline-size: 30% !important; animation: busy 1.5s infinite alternate ease-in-out }
@keyframes busy { to { margin-inline-start: 70% } }
@media (prefers-reduced-motion) { [part=fill] { animation: none !important; transition: none } }
@media (forced-colors: active) { [part=fill] { background: Highlight !important; forced-color-adjust: none } }
`;
