// A shop as many guides write one: the session is kept at sign-in, nobody counts sessions, and
// nobody can see or end them.

import express from 'express';
import session from 'express-session';
import { accounts, isRight, listen } from './common.mjs';

const app = express();
app.use(express.json(), express.urlencoded({ extended: false }));
app.use(session({ name: 'sid', secret: 'a test', resave: false, saveUninitialized: true }));

const page = '<form method="post"><input name="email"><input name="password" type="password"></form>';

app.get('/login', (req, res) => res.send(page));

app.post('/login', (req, res) => {
  // A guide would answer with the page again, and so with 200.
  if (!isRight(req.body.email, req.body.password)) return res.send(page);
  req.session.email = req.body.email;
  res.redirect('/');
});

// Who is not signed in sees the page of sign-in, with 200.
app.use((req, res, next) => (req.session.email ? next() : res.send(page)));

app.get('/api/me', (req, res) => res.json({ email: req.session.email }));

app.post('/logout', (req, res) => {
  // The browser forgets the session; the server does not.
  res.clearCookie('sid').sendStatus(204);
});

app.post('/api/password', (req, res) => {
  if (!isRight(req.session.email, req.body.old)) return res.sendStatus(403);
  accounts.set(req.session.email, req.body.new);
  res.sendStatus(204);
});

listen(app);
