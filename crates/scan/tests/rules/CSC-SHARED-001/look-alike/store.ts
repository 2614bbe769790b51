import { useState } from 'react';

let currentUser: User | null = null;

export function enter(session: Session) {
  currentUser = session.user;
}

export function isAdmin() {
  return currentUser?.role === 'admin';
}

export async function login(name: string, password: string) {
  const session = await api.post('/login', { name, password });
  return createSession(session.user);
}
