import { Injectable } from '@nestjs/common';

@Injectable()
export class CallerService {
  user?: User;

  mayRead(document: Document): boolean {
    return this.user?.id === document.ownerId;
  }
}

@Injectable()
export class AuthService {
  constructor(private readonly caller: CallerService, private readonly jwt: JwtService) {}

  async login(body: LoginBody) {
    const user = await users.check(body.email, body.password);
    this.caller.user = user;
    return { accessToken: this.jwt.sign({ sub: user.id }, { expiresIn: '15m' }) };
  }
}
