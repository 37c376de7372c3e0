/** What the API is called in the demo's tokens. */
export const demoAudience = 'urn:usher:api';

/** The API's reference page: a public client, which proves itself by PKCE. */
export const docsClient = 'usher-docs';
