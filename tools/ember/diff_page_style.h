// How the page of ember diff looks, by day and by night.
#pragma once

inline constexpr const char* kPageStyle = R"(
:root { color-scheme: light dark; --ink: #1b1d21; --soft: #676d78; --faint: #e6e8ec; --paper: #fcfcfd; --card: #ffffff;
  --bad: #d22d3c; --bad-soft: #fdecee; --good: #2c8f5b; --near: #d99a21; --curve-light: 44%; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9ebef; --soft: #98a0ad; --faint: #2b2f37; --paper: #14161a; --card: #1b1e23;
  --bad: #ff6b76; --bad-soft: #34191d; --good: #5cc78f; --near: #e9b64d; --curve-light: 66%; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Inter, Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 48px 40px 64px; }
.mono { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; font-size: 0.9em; }
.tool { margin: 0 0 28px; color: var(--soft); letter-spacing: 0.02em; font-weight: 600; }
.kicker { margin: 0; font-weight: 600; font-size: 13px; letter-spacing: 0.08em; text-transform: uppercase; }
.kicker.bad { color: var(--bad); } .kicker.good { color: var(--good); }
h1 { margin: 4px 0 20px; font-size: 34px; line-height: 1.2; letter-spacing: -0.02em; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 44px 0 14px; font-size: 17px; font-weight: 650; letter-spacing: -0.01em; }
.runs { display: flex; flex-wrap: wrap; gap: 8px 32px; color: var(--soft); }
.run { display: flex; gap: 10px; align-items: baseline; } .run b { color: var(--ink); } .run .mono { color: var(--ink); }
.card { margin-top: 28px; padding: 22px 26px 14px; background: var(--card); border: 1px solid var(--faint); border-left: 4px solid var(--bad); border-radius: 10px; }
.card p { margin: 0 0 8px; } .card .measure { font-weight: 600; }
.card .built { white-space: pre-wrap; } .built span { display: inline-block; min-width: 110px; margin-right: 14px; color: var(--soft); }
mark { background: none; color: var(--bad); font-weight: 700; }
dl { display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 0 0 16px; }
dt { color: var(--soft); font-size: 12.5px; } dd { margin: 0; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; font-size: 12.5px; color: var(--soft); padding: 0 12px 8px 0; white-space: nowrap; }
th small { font-size: inherit; opacity: 0.75; margin-left: 6px; }
td { padding: 6px 12px 6px 0; border-top: 1px solid var(--faint); white-space: nowrap; }
.number { text-align: right; } .at { color: var(--soft); white-space: normal; overflow-wrap: break-word; } .at b { margin-left: 10px; padding: 1px 8px; border-radius: 99px; background: var(--bad); color: var(--card); font-size: 12px; font-weight: 600; }
tr.first td { background: var(--bad-soft); } tr.first td:first-child { border-radius: 6px 0 0 6px; } tr.first td:last-child { border-radius: 0 6px 6px 0; }
td:first-child { padding-left: 8px; } th:first-child { padding-left: 8px; }
.swatch { display: inline-block; width: 9px; height: 9px; border-radius: 3px; margin-right: 9px; }
.cell { width: 34px; } .cell i { display: block; width: 14px; height: 14px; border-radius: 4px; }
.cell .equal { border: 2px solid var(--good); } .cell .none { height: 2px; background: var(--soft); opacity: 0.6; } .cell .good { background: var(--good); opacity: 0.55; } .cell .near { background: var(--near); } .cell .bad { background: var(--bad); }
.bars { width: 26%; min-width: 150px; }
.legend { color: var(--soft); font-size: 13px; margin: 10px 0 0; } .legend .cell { display: inline-flex; align-items: center; width: auto; margin-right: 12px; white-space: nowrap; vertical-align: middle; }
.legend .cell i { display: inline-block; margin-right: 6px; flex: none; width: 14px; } .card.calm { border-left-color: var(--good); } .listed { white-space: pre-wrap; overflow-wrap: anywhere; }
.bar { position: relative; height: 14px; border-radius: 4px; background: var(--faint); overflow: hidden; }
.bar i { display: block; height: 100%; border-radius: 4px; } .bar i.good { background: var(--good); opacity: 0.8; } .bar i.bad { background: var(--bad); }
.bar::after { content: ""; position: absolute; left: 37.5%; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: var(--ink); opacity: 0.75; }
svg { width: 100%; height: auto; display: block; margin-top: 12px; font: 12px system-ui, "Segoe UI", Inter, Roboto, sans-serif; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--faint); stroke-width: 1; } .tolerance { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 5 4; }
.tick, .axis { fill: var(--soft); } .curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; opacity: 0.85; } .curve.strong { stroke-width: 3; opacity: 1; }
.leader { fill: none; stroke-width: 1; opacity: 0.35; } .label { font-weight: 500; } .label.strong { font-weight: 700; } svg .type { opacity: 0.65; font-weight: 400; }
footer { margin-top: 44px; padding-top: 16px; border-top: 1px solid var(--faint); color: var(--soft); font-size: 13.5px; } footer p { margin: 0 0 4px; }
.when { stroke: var(--bad); stroke-width: 1.2; stroke-dasharray: 3 3; } .axis.bad { fill: var(--bad); font-weight: 600; }
svg.narrow { display: none; } .card p, .runs, footer { overflow-wrap: anywhere; }
@media (max-width: 900px) { .bars { width: 14%; min-width: 90px; } }
@media (max-width: 760px) { main { padding: 24px 16px 40px; } h1 { font-size: 25px; } .card { padding: 16px 16px 8px; } svg.wide { display: none; } svg.narrow { display: block; }
  .bars, .type { display: none; } .at { min-width: 84px; } td, th { padding-right: 8px; } .cell { width: 24px; } .built span { display: block; } .run { flex-wrap: wrap; gap: 2px 10px; } }
)";
