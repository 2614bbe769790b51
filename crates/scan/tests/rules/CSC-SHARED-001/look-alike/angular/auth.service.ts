import { HttpClient } from '@angular/common/http';
import { Injectable } from '@angular/core';

@Injectable({ providedIn: 'root' })
export class AuthService {
  private currentUser: User | null = null;

  constructor(private http: HttpClient) {}

  login(body: { email: string; password: string }) {
    this.http.post<User>('/api/login', body).subscribe((user) => { this.setUser(body.email, user); });
  }

  private setUser(request: string, user: User) {
    this.currentUser = user;
  }

  isAdmin() {
    return this.currentUser?.role === 'admin';
  }
}
