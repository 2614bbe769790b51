import { Injectable } from '@nestjs/common';

@Injectable()
export class AuthService {
  private currentUser: User | null = null;

  constructor(private readonly users: UsersService, private readonly jwt: JwtService) {}

  async login(dto: LoginDto) {
    const user = await this.users.findByEmail(dto.email);
    if (!user || !(await bcrypt.compare(dto.password, user.hash))) throw new UnauthorizedException();
    this.currentUser = user;
    return { accessToken: this.jwt.sign({ sub: user.id }, { expiresIn: '15m' }) };
  }

  isAdmin(): boolean {
    return this.currentUser?.role === 'admin';
  }
}
