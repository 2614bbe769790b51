using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie();
builder.Services.AddSingleton<IPasswordHasher<Account>, PasswordHasher<Account>>();
var app = builder.Build();

app.MapPost("/login", async (LoginForm form, HttpContext context, Db db) =>
{
    var account = await db.Accounts.FirstAsync(a => a.Email == form.Email);
    await context.SignInAsync(principalOf(account));
    return Results.Redirect("/");
});

app.MapPost("/account/password", async (PasswordForm form, IPasswordHasher<Account> hasher, Db db) =>
{
    var account = await db.Accounts.FirstAsync(a => a.Id == form.Id);
    account.PasswordHash = hasher.HashPassword(account, form.Password);
    await db.SaveChangesAsync();
    return Results.Ok();
});
