// The same shop, remedied with what express-session has: a new id at sign-in, a limit of three
// that ends the oldest, a list of one's own sessions, and an end that is one at the server.

import express from 'express';
import session from 'express-session';
import { randomUUID } from 'node:crypto';
import { accounts, isRight, listen } from './common.mjs';

const LIMIT = 3;

const store = new session.MemoryStore();
// The sessions of each account, the oldest first. A new one is entered before its answer is sent,
// and in one step, so that no two sign-ins can count the same seats.
const held = new Map();

const end = (email, entry) => {
  held.set(email, held.get(email).filter((other) => other !== entry));
  store.destroy(entry.token);
};

const app = express();
app.use(express.json(), express.urlencoded({ extended: false }));
app.use(session({
  name: 'sid', secret: 'a test', store, resave: false, saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax' },
}));
app.use((req, res, next) => { res.set('Cache-Control', 'no-store'); next(); });

const page = '<form method="post"><input name="email"><input name="password" type="password"></form>';

app.get('/login', (req, res) => res.send(page));

app.post('/login', (req, res, next) => {
  const { email, password } = req.body;
  if (!isRight(email, password)) return res.status(401).send(page);
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.email = email;
    req.session.save((error) => {
      if (error) return next(error);
      const entry = {
        id: randomUUID(), token: req.sessionID, device: req.get('user-agent'), ip: req.ip,
        created: new Date().toISOString(),
      };
      held.set(email, [...(held.get(email) ?? []), entry]);
      for (const old of held.get(email).slice(0, -LIMIT)) end(email, old);
      res.redirect('/');
    });
  });
});

// The register decides, and not the store alone: a request that was under way while its session
// ended saves it again, and is not let in for that.
app.use((req, res, next) => {
  req.own = (held.get(req.session.email) ?? []).find((entry) => entry.token === req.sessionID);
  return req.own ? next() : res.sendStatus(401);
});

app.get('/api/me', (req, res) => res.json({ email: req.session.email }));

app.get('/api/slow', (req, res) => {
  req.session.seen = Date.now();
  setTimeout(() => res.json({}), 300);
});

app.get('/api/sessions', (req, res) => {
  res.json(held.get(req.session.email).map(({ token, ...shown }) => ({
    ...shown, current: token === req.sessionID,
  })));
});

app.delete('/api/sessions/:id', (req, res) => {
  const entry = held.get(req.session.email).find(({ id }) => id === req.params.id);
  if (!entry) return res.sendStatus(404);
  end(req.session.email, entry);
  res.sendStatus(204);
});

const endOthers = (req) => {
  for (const entry of held.get(req.session.email)) {
    if (entry !== req.own) end(req.session.email, entry);
  }
};

app.post('/api/sessions/revoke-others', (req, res) => {
  endOthers(req);
  res.sendStatus(204);
});

app.post('/logout', (req, res) => {
  end(req.session.email, req.own);
  res.clearCookie('sid').sendStatus(204);
});

app.post('/api/password', (req, res) => {
  if (!isRight(req.session.email, req.body.old)) return res.sendStatus(403);
  accounts.set(req.session.email, req.body.new);
  endOthers(req);
  res.sendStatus(204);
});

listen(app);
