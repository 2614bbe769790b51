import { HttpClient } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';

@Injectable()
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

@Controller()
export class LoginController {
  @Post('login')
  async login(@Req() req, @Body() body) {
    const user = await this.users.check(body.email, body.password);
    req.session.userId = user.id;
  }
}
