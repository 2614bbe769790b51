class PasswordsController < ApplicationController
  before_action :set_user_by_token, only: %i[ edit update ]

  def update
    if @user.update(params.permit(:password, :password_confirmation))
      @user.sessions.destroy_all
      redirect_to new_session_path, notice: "Password has been reset."
    else
      redirect_to edit_password_path(params[:token]), alert: "Passwords did not match."
    end
  end

  private
    def set_user_by_token
      @user = User.find_by_password_reset_token!(params[:token])
    end

    def password_params
      params.expect(user: [ :password, :password_confirmation ])
    end

    def user_params
      params.require(:user).permit(:name, :password)
    end
end
