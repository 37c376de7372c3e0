/** The sign-in page of the demo's identity provider: no password, one button for each person. */
import type { DemoPerson } from './people.js';

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const button = ({ login, name, email }: DemoPerson): string =>
  `<button name="login" value="${escaped(login)}">${escaped(name)}<small>${escaped(email)}</small></button>`;

export const choicePage = (people: readonly DemoPerson[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Sign in · demo</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 3rem auto; padding: 0 1rem; }
button { display: block; width: 100%; margin: .5rem 0; padding: .6rem .8rem; font: inherit; text-align: left; cursor: pointer; }
small { display: block; opacity: .7; }
</style>
</head>
<body>
<h1>Who are you?</h1>
<p>This identity provider belongs to the demo. It believes everybody.</p>
<form method="post">
${people.map(button).join('\n')}
<button name="login" value="">Nobody of these</button>
</form>
</body>
</html>
`;
